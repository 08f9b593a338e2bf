//! What is here without the feature: nothing.

use std::time::{Duration, Instant};

use chinwag_core::id::{RoomId, Seq};
use chinwag_store::committed::Told;
use chinwag_store::trace::Trace;
use tokio::runtime::Runtime;

use crate::config::Collector;

#[derive(Debug)]
pub(crate) struct Traces;

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Parent {}

#[derive(Debug, Default)]
pub(crate) struct Reading {}

#[derive(Debug, Default)]
pub(crate) struct Fanning {}

#[derive(Debug)]
pub(crate) struct Exporting;

impl Traces {
    pub(crate) fn new(_: Option<&Collector>) -> Self {
        Self
    }

    pub(crate) fn figures(&self) -> Option<[u64; 2]> {
        None
    }

    pub(crate) fn begin(&self, _: Parent, _: &Reading) -> Trace {
        Trace::default()
    }

    pub(crate) fn received(&self, _: Trace, _: Parent, _: &Reading) {}

    pub(crate) fn note(&self, _: &[Told]) {}
}

impl Exporting {
    pub(crate) fn start(_: &Runtime, _: &Traces) -> Self {
        Self
    }

    pub(crate) fn finish(self, _: &Runtime, _: Duration) {}
}

impl Parent {
    pub(crate) fn of(_: &http::HeaderMap) -> Self {
        Self {}
    }
}

impl Reading {
    pub(crate) fn begin(&self, _: &Traces) {}

    pub(crate) fn now(_: &Traces) -> Self {
        Self {}
    }
}

impl Fanning {
    pub(crate) fn take(&mut self, _: &[Told], _: Instant) {}

    pub(crate) fn delivered(&mut self, _: RoomId, _: Seq, _: usize) {}

    pub(crate) fn replied(&mut self, _: RoomId, _: Seq) {}

    pub(crate) fn writing(&mut self) {}

    pub(crate) fn written(&mut self, _: bool) {}

    pub(crate) fn end(&mut self, _: &Traces, _: u16) {}
}
