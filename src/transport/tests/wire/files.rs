//! Files on their way to hosts and from them.

use super::*;

/// A file of so many bytes, all of them 3, which counts how much of it was read.
struct Threes {
    bytes: u64,
}

impl Files for Threes {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        if digest.0 != "threes" {
            return Err(io::Error::other("there are only threes"));
        }
        Ok(Box::new(io::repeat(3).take(self.bytes)))
    }
}

/// A sink that can be looked into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn files_stream_with_credit() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    // None, less than a chunk, a chunk, many and an odd rest.
    for bytes in [0u64, 5, 65_536, 5_000_001] {
        let wanted = request("want", &[("digest", "threes".into())]);
        let response = remote.call(wanted, &Threes { bytes }, None).await.unwrap();
        assert!(!response.failed, "{response:?}");
        let get = |name: &str| response.returned.get(name).and_then(Json::as_u64).unwrap();
        assert_eq!((get("bytes"), get("sum")), (bytes, bytes * 3));
        let most = protocol::frame::CREDIT_BYTES + protocol::frame::CHUNK_BYTES_MAX;
        assert!(get("most") <= most as u64, "{} bytes were under way", get("most"));
    }
}

#[tokio::test]
async fn a_file_that_waits_for_the_wire_is_compressed() {
    const BYTES: u64 = 8_000_000;
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    for slow_ms in [0, 300] {
        let before = remote.counters().bytes_sent;
        let wanted = request("want", &[("digest", "threes".into()), ("slow_ms", slow_ms.into())]);
        let response = remote.call(wanted, &Threes { bytes: BYTES }, None).await.unwrap();
        let get = |name: &str| response.returned.get(name).and_then(Json::as_u64).unwrap();
        assert_eq!((get("bytes"), get("sum")), (BYTES, BYTES * 3));
        let sent = remote.counters().bytes_sent - before;
        if slow_ms > 0 {
            assert!(get("packed") > 0 && sent < BYTES / 2, "{} parts, {sent} bytes", get("packed"));
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_by_name() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let wanted = request("want", &[("digest", "fours".into())]);
    let response = remote.call(wanted, &Threes { bytes: 1 }, None).await.unwrap();
    assert_eq!(response.msg.as_deref(), Some("there are only threes"));
    ping(&remote).await;
}

#[tokio::test]
async fn files_of_the_host_arrive() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let sink = Shared::default();
    let send = request("send", &[("bytes", 3_000_000.into())]);
    remote.call(send, &NoFiles, Some(Box::new(sink.clone()))).await.unwrap();
    let bytes = sink.0.lock().unwrap();
    assert_eq!(bytes.len(), 3_000_000);
    assert!(bytes.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn a_file_that_nobody_asked_for_is_refused() {
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let error = remote.call(request("send", &[("bytes", 9.into())]), &NoFiles, None).await;
    assert_eq!(error, Err(CallError::Unasked));
    ping(&remote).await;
}

#[tokio::test]
async fn a_sink_that_is_full_ends_the_call_alone() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("no space"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bench = bench(&|_, _, _| {}).await;
    let remote = bench.connect().await.remote(None).await.unwrap();
    let send = request("send", &[("bytes", 5_000_000.into())]);
    let error = remote.call(send, &NoFiles, Some(Box::new(Full))).await;
    assert_eq!(error, Err(CallError::Sink { why: "no space".into() }));
    ping(&remote).await;
}
