//! Tests of addresses.

use super::in_collection;
use crate::{
    engine::Test,
    error::Result,
    filters::address,
    value::{Arguments, Value},
};

pub(super) const TESTS: &[Test] = &[
    in_collection("ip", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some())
    }),
    in_collection("ip_address", |_, value, arguments| {
        is(value, arguments, |text| text.parse::<std::net::IpAddr>().is_ok())
    }),
    in_collection("ipv4", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some_and(|net| net.is_v4()))
    }),
    in_collection("ipv6", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some_and(|net| !net.is_v4()))
    }),
    in_collection("ipv4_address", |_, value, arguments| {
        is(value, arguments, |text| text.parse::<std::net::Ipv4Addr>().is_ok())
    }),
    in_collection("ipv6_address", |_, value, arguments| {
        is(value, arguments, |text| text.parse::<std::net::Ipv6Addr>().is_ok())
    }),
    in_collection("private", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some_and(|net| net.is_private()))
    }),
    in_collection("public", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some_and(|net| net.is_public()))
    }),
    in_collection("loopback", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some_and(|net| net.is_loopback()))
    }),
    in_collection("multicast", |_, value, arguments| {
        is(value, arguments, |text| address::parse(text).is_some_and(|net| net.is_multicast()))
    }),
    in_collection("in_network", |_, value, arguments| {
        let [network] = arguments.bind("in_network", ["network"], 1)?;
        let network = network.unwrap_or_default().to_string();
        Ok(match (address::parse(&value.to_string()), address::parse(&network)) {
            (Some(inner), Some(outer)) => outer.contains(&inner),
            _ => false,
        })
    }),
    in_collection("mac", |_, value, arguments| {
        is(value, arguments, |text| address::mac_digits(text).is_some())
    }),
];

fn is(value: &Value, arguments: Arguments, ask: impl Fn(&str) -> bool) -> Result<bool> {
    arguments.none("test")?;
    Ok(value.as_str().is_some_and(ask))
}
