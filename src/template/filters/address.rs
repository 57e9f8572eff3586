//! Addresses and networks: the filters of ansible.utils around `ipaddr`.

mod net;

pub(crate) use self::net::parse;
use self::net::{Net, is_host, net_of};
use super::of;
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    value::{Arguments, Value, object::int_argument},
};

const HOME: &str = "ansible.utils";

pub(super) const FILTERS: &[Filter] = &[
    of(HOME, "ipaddr", |call, value, arguments| ipaddr(call, value, arguments, None)),
    of(HOME, "ipv4", |call, value, arguments| ipaddr(call, value, arguments, Some(true))),
    of(HOME, "ipv6", |call, value, arguments| ipaddr(call, value, arguments, Some(false))),
    of(HOME, "ipwrap", ipwrap),
    of(HOME, "ipsubnet", ipsubnet),
    of(HOME, "ipmath", ipmath),
    of(HOME, "nthhost", nthhost),
    of(HOME, "next_nth_usable", |call, value, arguments| nth_usable(call, value, arguments, 1)),
    of(HOME, "previous_nth_usable", |call, value, arguments| {
        nth_usable(call, value, arguments, -1)
    }),
    of(HOME, "network_in_network", network_in_network),
    of(HOME, "network_in_usable", network_in_usable),
    of(HOME, "reduce_on_network", reduce_on_network),
    of(HOME, "cidr_merge", cidr_merge),
    of(HOME, "ip4_hex", ip4_hex),
    of(HOME, "hwaddr", hwaddr),
    of(HOME, "macaddr", hwaddr),
];

fn ipaddr(
    _: &Call<'_>,
    value: Value,
    arguments: Arguments,
    version: Option<bool>,
) -> Result<Value> {
    let [query, wanted, _alias] = arguments.bind("ipaddr", ["query", "version", "alias"], 0)?;
    let version = match (
        version,
        wanted.filter(|wanted| !matches!(wanted, Value::None | Value::Bool(false))),
    ) {
        (None, Some(wanted)) => Some(wanted.to_string() == "4"),
        (version, _) => version,
    };
    let query = query.unwrap_or_else(|| Value::from(""));
    asked(&value, &query, version)
}

/// One address, or each of a list: those that do not fit fall out of a list.
fn asked(value: &Value, query: &Value, version: Option<bool>) -> Result<Value> {
    if value.is_sequence() {
        let mut kept = Vec::new();
        for item in value.elements()? {
            match asked(&item.defined()?, query, version)? {
                Value::Bool(false) | Value::None => {}
                Value::Bool(true) => kept.push(Value::Bool(true)),
                found => kept.push(found),
            }
        }
        return Ok(Value::list(kept));
    }
    let Some(net) = net_of(value) else { return Ok(Value::Bool(false)) };
    if version.is_some_and(|v4| v4 != net.v4) {
        return Ok(Value::Bool(false));
    }
    one(value, net, query)
}

fn one(value: &Value, net: Net, query: &Value) -> Result<Value> {
    let text = |text: String| Ok(Value::from(text));
    let given = || {
        if net.has_prefix { net.with_prefix(net.number) } else { net.address() }
    };
    let when = |is: bool| if is { text(given()) } else { Ok(Value::None) };
    let number = |number: Option<u128>| match number {
        Some(number) => text(net.text(number)),
        None => Ok(Value::None),
    };
    if let Some(at) = query.as_int() {
        return nth(&net, at);
    }
    let name = query.to_string();
    let needs_network = matches!(
        name.as_str(),
        "first_usable" | "last_usable" | "next_usable" | "previous_usable" | "range_usable"
    );
    if needs_network && net.is_single() {
        return Err(TemplateError::of_value("Not a network address"));
    }
    match name.as_str() {
        "" => match value {
            Value::Str(_) => text(given()),
            _ => text(net.address()),
        },
        "address" | "ip" => match () {
            () if is_host(&net) => text(net.address()),
            () => Ok(Value::None),
        },
        "host" | "address/prefix" | "ip/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet"
        | "router" => match () {
            () if name == "gateway" || name == "gw" || name == "router" => {
                if is_host(&net) {
                    text(net.with_prefix(net.number))
                } else {
                    Ok(Value::None)
                }
            }
            () if net.is_single() && name.contains("ip/") => Ok(Value::None),
            () if is_host(&net) => text(net.with_prefix(net.number)),
            () => Ok(Value::None),
        },
        "bool" => Ok(Value::Bool(true)),
        "broadcast" => {
            if net.width() - net.prefix >= 2 {
                text(net.text(net.last()))
            } else {
                Ok(Value::None)
            }
        }
        "cidr" | "net" | "subnet" => {
            let is_net = net.number == net.network() && !net.is_single();
            match name.as_str() {
                "cidr" => text(net.with_prefix(net.number)),
                "net" if !is_net => Ok(Value::None),
                _ => text(net.with_prefix(net.network())),
            }
        }
        "cidr_lookup" | "wildcard" | "hostmask" => text(net.text(net.hostmask())),
        "first_usable" => number(net.first_usable()),
        "last_usable" => number(net.last_usable()),
        "next_usable" => {
            let limit = net.last_usable();
            number(net.number.checked_add(1).filter(|next| limit.is_some_and(|last| *next <= last)))
        }
        "previous_usable" => {
            let limit = net.first_usable();
            number(
                net.number.checked_sub(1).filter(|past| limit.is_some_and(|first| *past >= first)),
            )
        }
        "range_usable" => match (net.first_usable(), net.last_usable()) {
            (Some(first), Some(last)) => text(format!("{}-{}", net.text(first), net.text(last))),
            _ => Ok(Value::None),
        },
        "peer" => match net.width() - net.prefix {
            1 => text(net.text(net.number ^ 1)),
            2 if net.number != net.network() && net.number != net.last() => {
                text(net.text(net.network() + (3 - (net.number - net.network()))))
            }
            _ => Err(TemplateError::of_value("Not a point-to-point network")),
        },
        "int" => Ok(if net.has_prefix {
            Value::from(format!("{}/{}", net.number, net.prefix))
        } else {
            Value::from(net.number)
        }),
        "ipv4" | "v4" | "4" => when(net.v4),
        "ipv6" | "v6" | "6" => match (net.v4, name.as_str()) {
            (false, _) => text(given()),
            (true, "ipv6") => {
                let mapped = format!("::ffff:{}", net.address());
                text(format!("{mapped}/{}", net.prefix + 96))
            }
            _ => Ok(Value::None),
        },
        "link-local" | "lla" => when(net.is_link_local()),
        "loopback" | "lo" => when(net.is_loopback()),
        "multicast" => when(net.is_multicast()),
        "private" => when(net.is_private()),
        "public" => when(net.is_public()),
        "unicast" => when(!net.is_multicast()),
        "reserved" => when(net.is_reserved()),
        "netmask" => text(net.text(net.netmask())),
        "network" | "network_id" => text(net.text(net.network())),
        "network/prefix" => text(net.with_prefix(net.network())),
        "network_netmask" => {
            text(format!("{} {}", net.text(net.network()), net.text(net.netmask())))
        }
        "network_wildcard" => {
            text(format!("{} {}", net.text(net.network()), net.text(net.hostmask())))
        }
        "ip_netmask" => {
            if is_host(&net) && !net.is_single() {
                text(format!("{} {}", net.address(), net.text(net.netmask())))
            } else {
                Ok(Value::None)
            }
        }
        "ip_wildcard" => {
            if is_host(&net) && !net.is_single() {
                text(format!("{} {}", net.address(), net.text(net.hostmask())))
            } else {
                Ok(Value::None)
            }
        }
        "prefix" => Ok(Value::from(net.prefix)),
        "revdns" => text(reverse_name(&net)),
        "size" => Ok(Value::from(net.size())),
        "size_usable" => Ok(Value::from(match net.width() - net.prefix {
            0 => 0,
            1 => 2,
            _ => net.size() - 2,
        })),
        "type" => Ok(Value::from(if is_host(&net) { "address" } else { "network" })),
        "version" => Ok(Value::from(if net.v4 { 4 } else { 6 })),
        "wrap" => text(wrapped(&net, &given())),
        "6to4" => {
            if net.v4 && net.is_public() {
                let net6 = Net {
                    number: (0x2002u128 << 112) | (net.number << 80),
                    v4: false,
                    prefix: 48,
                    has_prefix: true,
                };
                text(net6.with_prefix(net6.number))
            } else {
                Ok(Value::None)
            }
        }
        other => match parse(other) {
            // A network: does it hold the address?
            Some(outer) => when(outer.contains(&net)),
            None => match other.parse::<i64>() {
                Ok(at) => nth(&net, at),
                Err(_) => Err(TemplateError::new(
                    ErrorKind::Value,
                    format!("ipaddr: unknown filter type: {other}"),
                )),
            },
        },
    }
}

fn nth(net: &Net, at: i64) -> Result<Value> {
    if net.is_single() {
        return Ok(Value::from(net.address()));
    }
    let size = net.size();
    let offset = if at >= 0 {
        u128::try_from(at).ok()
    } else {
        size.checked_sub(u128::from(at.unsigned_abs()))
    };
    match offset.filter(|offset| *offset < size) {
        Some(offset) => Ok(Value::from(net.with_prefix(net.network() + offset))),
        None => Ok(Value::Bool(false)),
    }
}

fn reverse_name(net: &Net) -> String {
    if net.v4 {
        let mut parts: Vec<String> =
            (net.number as u32).to_be_bytes().iter().map(ToString::to_string).collect();
        parts.reverse();
        return format!("{}.in-addr.arpa.", parts.join("."));
    }
    let digits: String =
        format!("{:032x}", net.number).chars().rev().flat_map(|digit| [digit, '.']).collect();
    format!("{digits}ip6.arpa.")
}

fn wrapped(net: &Net, text: &str) -> String {
    if net.v4 {
        return text.to_owned();
    }
    match text.split_once('/') {
        Some((address, prefix)) => format!("[{address}]/{prefix}"),
        None => format!("[{text}]"),
    }
}

fn ipwrap(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [_query] = arguments.bind("ipwrap", ["query"], 0)?;
    let wrap = |value: &Value| match value.as_str().and_then(|text| Some((parse(text)?, text))) {
        Some((net, text)) => Value::from(wrapped(&net, text)),
        None => value.clone(),
    };
    if value.is_sequence() {
        return Ok(Value::list(value.elements()?.iter().map(wrap)));
    }
    Ok(wrap(&value))
}

fn ipsubnet(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [query, index] = arguments.bind("ipsubnet", ["query", "index"], 0)?;
    let Some(net) = net_of(&value) else { return Ok(Value::Bool(false)) };
    let query = query.map_or(String::new(), |query| query.to_string());
    if query.is_empty() {
        return Ok(Value::from(net.with_prefix(net.network())));
    }
    let index = match index {
        None => None,
        Some(index) => match index.as_str() {
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Some(number),
                Err(_) => return rank(&net, text),
            },
            None => Some(int_argument("ipsubnet", "index", &index)?),
        },
    };
    let Ok(prefix) = query.parse::<u32>() else {
        // A network: which of its subnets is this one?
        let Some(outer) = parse(&query) else {
            return Err(TemplateError::of_value(format!(
                "You must pass a valid subnet or IP address; {query} is not valid"
            )));
        };
        return subnet_of(&net, &outer, index);
    };
    if prefix > net.width() {
        return Ok(Value::Bool(false));
    }
    if prefix < net.prefix && net.has_prefix && index.is_none() {
        return Err(TemplateError::of_value(format!(
            "Requested subnet size of {prefix} is invalid"
        )));
    }
    if prefix < net.prefix || !net.has_prefix {
        // The larger network around this one.
        let around = Net { prefix, ..net };
        return Ok(Value::from(around.with_prefix(around.network())));
    }
    let count = 1u128.checked_shl(prefix - net.prefix).unwrap_or(u128::MAX);
    match index {
        None => Ok(Value::from(count)),
        Some(at) => {
            let at = if at < 0 {
                count.checked_sub(u128::from(at.unsigned_abs()))
            } else {
                u128::try_from(at).ok()
            };
            let inner = Net { prefix, ..net };
            match at.filter(|at| *at < count) {
                Some(at) => {
                    let start = net.network() + at * inner.size();
                    Ok(Value::from(inner.with_prefix(start)))
                }
                None => Ok(Value::Bool(false)),
            }
        }
    }
}

fn subnet_of(net: &Net, outer: &Net, index: Option<i64>) -> Result<Value> {
    let _ = index;
    if !outer.contains(net) {
        return Err(TemplateError::of_value(format!(
            "{} is not in the network {}",
            net.with_prefix(net.number),
            outer.with_prefix(outer.network())
        )));
    }
    let at = (net.network() - outer.network()) / net.size() + 1;
    Ok(Value::from(at.to_string()))
}

/// The place of a network among those of its size in another.
fn rank(net: &Net, outer: &str) -> Result<Value> {
    match parse(outer) {
        Some(outer) if outer.contains(net) => {
            Ok(Value::from((net.network() - outer.network()) / net.size() + 1))
        }
        _ => Ok(Value::Bool(false)),
    }
}

fn moved(net: &Net, by: i128) -> Option<u128> {
    let moved = if by >= 0 {
        net.number.checked_add(by.unsigned_abs())
    } else {
        net.number.checked_sub(by.unsigned_abs())
    };
    moved.filter(|number| *number <= net.all())
}

fn wrong_address(value: &Value) -> TemplateError {
    TemplateError::of_value(format!("You must pass a valid IP address; {value} is invalid"))
}

fn ipmath(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [amount] = arguments.bind("ipmath", ["amount"], 1)?;
    let amount = int_argument("ipmath", "amount", &amount.unwrap_or_default())?;
    let net = net_of(&value).ok_or_else(|| wrong_address(&value))?;
    match moved(&net, i128::from(amount)) {
        Some(number) => Ok(Value::from(net.text(number))),
        None => Err(TemplateError::of_value("the address would be out of range")),
    }
}

fn nth_usable(_: &Call<'_>, value: Value, arguments: Arguments, sign: i128) -> Result<Value> {
    let [offset] = arguments.bind("nth_usable", ["offset"], 0)?;
    let offset = offset.map_or(Ok(1), |offset| int_argument("nth_usable", "offset", &offset))?;
    let Some(net) = net_of(&value) else { return Ok(Value::Bool(false)) };
    let (Some(first), Some(last)) = (net.first_usable(), net.last_usable()) else {
        return Ok(Value::None);
    };
    Ok(match moved(&net, sign * i128::from(offset)).filter(|at| (first..=last).contains(at)) {
        Some(number) => Value::from(net.text(number)),
        None => Value::None,
    })
}

fn nthhost(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [at] = arguments.bind("nthhost", ["query"], 1)?;
    let Some(net) = net_of(&value) else { return Ok(Value::Bool(false)) };
    let at = at.unwrap_or_default();
    let at = match at.as_str().and_then(|text| text.parse().ok()) {
        Some(number) => number,
        None => int_argument("nthhost", "query", &at)?,
    };
    let size = net.size();
    let offset = if at >= 0 {
        u128::try_from(at).ok()
    } else {
        size.checked_sub(u128::from(at.unsigned_abs()))
    };
    Ok(match offset.filter(|offset| *offset < size) {
        Some(offset) => Value::from(net.text(net.network() + offset)),
        None => Value::Bool(false),
    })
}

fn two_nets(function: &str, value: &Value, arguments: Arguments) -> Result<Option<(Net, Net)>> {
    let [test] = arguments.bind(function, ["test"], 1)?;
    Ok(net_of(value).zip(net_of(&test.unwrap_or_default())))
}

fn network_in_network(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let nets = two_nets("network_in_network", &value, arguments)?;
    Ok(Value::Bool(nets.is_some_and(|(outer, inner)| outer.contains(&inner))))
}

fn network_in_usable(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let nets = two_nets("network_in_usable", &value, arguments)?;
    Ok(Value::Bool(nets.is_some_and(|(outer, inner)| {
        match (outer.first_usable(), outer.last_usable()) {
            (Some(first), Some(last)) => {
                outer.v4 == inner.v4 && first <= inner.network() && inner.last() <= last
            }
            _ => false,
        }
    })))
}

fn reduce_on_network(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [network] = arguments.bind("reduce_on_network", ["network"], 1)?;
    let Some(network) = net_of(&network.unwrap_or_default()) else {
        return Ok(Value::empty_list());
    };
    let kept = value
        .elements()?
        .into_iter()
        .filter(|item| net_of(item).is_some_and(|net| network.contains(&net)));
    Ok(Value::list(kept))
}

fn cidr_merge(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [action] = arguments.bind("cidr_merge", ["action"], 0)?;
    let action = action.map_or("merge".to_owned(), |action| action.to_string());
    let mut nets = Vec::new();
    for item in value.elements()? {
        let net = net_of(&item).ok_or_else(|| wrong_address(&item))?;
        nets.push(Net { number: net.network(), ..net });
    }
    match action.as_str() {
        "merge" => Ok(merged(nets).iter().map(|net| net.with_prefix(net.number)).collect()),
        "span" => {
            let Some(mut span) = nets.first().copied() else { return Ok(Value::None) };
            while !nets.iter().all(|net| span.contains(net)) {
                if span.prefix == 0 {
                    return Err(TemplateError::of_value("no network spans these"));
                }
                span.prefix -= 1;
                span.number = span.network();
            }
            Ok(Value::from(span.with_prefix(span.number)))
        }
        other => Err(TemplateError::of_value(format!("cidr_merge: invalid action '{other}'"))),
    }
}

fn merged(mut nets: Vec<Net>) -> Vec<Net> {
    loop {
        nets.sort_by_key(|net| (!net.v4, net.number, net.prefix));
        let mut out: Vec<Net> = Vec::new();
        let mut has_joined = false;
        for net in nets {
            match out.last().copied() {
                Some(last) if last.contains(&net) => {}
                Some(last)
                    if last.prefix == net.prefix
                        && last.v4 == net.v4
                        && last.prefix > 0
                        && Net { prefix: last.prefix - 1, ..last }.contains(&net) =>
                {
                    out.pop();
                    let wider = Net { prefix: last.prefix - 1, ..last };
                    out.push(Net { number: wider.network(), ..wider });
                    has_joined = true;
                }
                _ => out.push(net),
            }
        }
        if !has_joined {
            return out;
        }
        nets = out;
    }
}

fn ip4_hex(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [delimiter] = arguments.bind("ip4_hex", ["delimiter"], 0)?;
    let delimiter = delimiter.map_or(String::new(), |delimiter| delimiter.to_string());
    let net = net_of(&value).filter(|net| net.v4).ok_or_else(|| wrong_address(&value))?;
    let bytes = (net.number as u32).to_be_bytes().map(|byte| format!("{byte:02x}"));
    Ok(Value::from(bytes.join(&delimiter)))
}

/// The twelve digits of a hardware address in any of its forms.
pub(crate) fn mac_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    (digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit()))
        .then(|| digits.to_lowercase())
}

fn hwaddr(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [query, _alias] = arguments.bind(call.name, ["query", "alias"], 0)?;
    let query = query.map_or(String::new(), |query| query.to_string());
    let Some(digits) = mac_digits(&value.to_string()) else {
        return match query.as_str() {
            "" | "bool" => Ok(Value::Bool(false)),
            _ => Err(TemplateError::of_value(format!(
                "{}: not a hardware address: {value}",
                call.name
            ))),
        };
    };
    let grouped = |size: usize, separator: &str| {
        let digits: Vec<char> = digits.chars().collect();
        let groups: Vec<String> = digits.chunks(size).map(|group| group.iter().collect()).collect();
        Value::from(groups.join(separator))
    };
    Ok(match query.as_str() {
        "" => value,
        "bool" => Value::Bool(true),
        "linux" | "unix" => grouped(2, ":"),
        "cisco" => grouped(4, "."),
        "bare" => Value::from(digits),
        "int" => Value::from(u64::from_str_radix(&digits, 16).unwrap_or(0)),
        "pgsql" | "postgresql" | "psql" => grouped(6, ":"),
        "eui48" | "win" => Value::from(grouped(2, "-").to_string().to_uppercase()),
        other => {
            return Err(TemplateError::of_value(format!(
                "{}: unknown filter type: {other}",
                call.name
            )));
        }
    })
}
