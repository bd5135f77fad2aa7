//! The time a request's head may take.
//!
//! hyper has one limit for the wait before a request and for its head together. A connection may wait long between
//! requests; a head that has begun may not. So the stream itself measures heads: from the connection on, and later from
//! the first byte that comes while nothing is being answered.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Whether a request is being answered, and how many were: odd while one is.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadClock(Arc<AtomicUsize>);

/// A request is being answered, until this is dropped.
pub(super) struct Answering(HeadClock);

impl HeadClock {
    /// The head of a request was read.
    pub(super) fn answering(&self) -> Answering {
        self.0.fetch_add(1, Ordering::SeqCst);
        Answering(self.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A stream whose reading fails once a head takes too long.
#[derive(Debug)]
pub(super) struct TimedHeads<S> {
    stream: S,
    clock: HeadClock,
    /// What the clock showed when last read from.
    seen: usize,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedHeads<S> {
    pub(super) fn new(stream: S, clock: HeadClock, limit: Duration) -> Self {
        Self {
            stream,
            clock,
            seen: 0,
            limit,
            deadline: Some(Box::pin(sleep(limit))),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedHeads<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let shown = self.clock.0.load(Ordering::SeqCst);
        if self.seen != shown {
            self.seen = shown;
            self.deadline = None;
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        let is_answering = shown % 2 == 1;
        if buf.filled().len() > before && !is_answering && self.deadline.is_none() {
            self.deadline = Some(Box::pin(sleep(self.limit)));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedHeads<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        stream.read(&mut [0; 16]).await
    }

    /// E8
    #[tokio::test]
    async fn e8_a_head_has_a_time_limit_and_neither_a_pause_nor_a_body_has() {
        let (mut client, server) = duplex(64);
        let clock = HeadClock::default();
        let mut stream = TimedHeads::new(server, clock.clone(), LIMIT);
        client.write_all(b"GET").await.unwrap();
        assert_eq!(read(&mut stream).await.unwrap(), 3);
        let answering = clock.answering();
        // A body may take longer.
        for _ in 0..2 {
            sleep(LIMIT * 3 / 4).await;
            client.write_all(b"body").await.unwrap();
            assert_eq!(read(&mut stream).await.unwrap(), 4);
        }
        drop(answering);
        // So may the pause before the next request, but not its head.
        let idle = tokio::time::timeout(LIMIT * 2, read(&mut stream)).await;
        assert!(idle.is_err(), "{idle:?}");
        client.write_all(b"GET").await.unwrap();
        assert_eq!(read(&mut stream).await.unwrap(), 3);
        let late = read(&mut stream).await.unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_first_head_is_measured_from_the_connection_on() {
        let (_client, server) = duplex(64);
        let mut stream = TimedHeads::new(server, HeadClock::default(), LIMIT);
        let silent = read(&mut stream).await.unwrap_err();
        assert_eq!(silent.kind(), io::ErrorKind::TimedOut);
    }
}
