//! Log lines on standard error: time, level, logger, message and fields, separated by tabs.
//!
//! A subscriber of `tracing` of our own: a line is a few fields and there are no spans, so what the usual subscribers bring
//! (layers, filters, a registry of spans) would be paid for and not used. Repetition is thinned out: of equal messages within
//! one second, the first hundred are written and then every hundredth.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::runtime::clock::Clock;

/// How much is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    Nothing,
    /// What went wrong.
    Problems,
    Everything,
}

impl Detail {
    /// What the options ask for.
    #[must_use]
    pub fn of(verbose: bool, silent: bool) -> Self {
        match (verbose, silent) {
            (_, true) => Self::Nothing,
            (true, false) => Self::Everything,
            (false, false) => Self::Problems,
        }
    }
}

/// Lines are written from now on, with times of this clock.
pub fn start(detail: Detail, clock: &Clock) {
    let level = match detail {
        Detail::Nothing => return,
        Detail::Problems => LevelFilter::WARN,
        Detail::Everything => LevelFilter::DEBUG,
    };
    let thinned = detail == Detail::Problems;
    let lines = Lines { level, thinned, clock: clock.clone(), repetition: Mutex::default() };
    // The first subscriber stays; there is no other.
    let _ = tracing::subscriber::set_global_default(lines);
}

/// See the head of the file.
struct Lines {
    level: LevelFilter,
    thinned: bool,
    clock: Clock,
    repetition: Mutex<Repetition>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        let time = self.clock.time_of_day();
        let mut repetition = self.repetition.lock().unwrap_or_else(PoisonError::into_inner);
        if self.thinned && !repetition.is_due(time.as_secs(), &said.message) {
            return;
        }
        drop(repetition);
        let zone = if self.clock.is_simulated() { TimeZone::UTC } else { TimeZone::system() };
        let metadata = event.metadata();
        let mut line =
            format!("{}\t{}\t{}\t{}", shown(time, zone), metadata.level(), metadata.target(), said.message);
        if !said.fields.is_empty() {
            line.push_str("\t{");
            line.push_str(&said.fields);
            line.push('}');
        }
        line.push('\n');
        super::exit::complain(&line);
    }

    // There are no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A time of day, to the second.
fn shown(time: Duration, zone: TimeZone) -> String {
    let timestamp = i64::try_from(time.as_secs()).ok().and_then(|s| Timestamp::from_second(s).ok());
    timestamp.unwrap_or_default().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Equal messages of the present second.
#[derive(Default)]
struct Repetition {
    second: u64,
    counts: HashMap<String, u64>,
}

/// Lines with the same message in a second before they are thinned out, and how many of the others are written.
const UNTHINNED: u64 = 100;

impl Repetition {
    /// Counts a message. False if it is one too many.
    fn is_due(&mut self, second: u64, message: &str) -> bool {
        if self.second != second {
            self.second = second;
            self.counts.clear();
        }
        let count = match self.counts.get_mut(message) {
            Some(count) => count,
            None => self.counts.entry(message.to_owned()).or_default(),
        };
        *count += 1;
        *count <= UNTHINNED || *count % UNTHINNED == 0
    }
}

/// What an event says: its message, and the other fields as the inside of a JSON object.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Said {
    fn field(&mut self, name: &str, value: &str) {
        if !self.fields.is_empty() {
            self.fields.push_str(", ");
        }
        quote(&mut self.fields, name);
        self.fields.push_str(": ");
        self.fields.push_str(value);
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            let mut quoted = String::new();
            quote(&mut quoted, &text);
            self.field(field.name(), &quoted);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field.name(), &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field.name(), &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field.name(), &value.to_string());
    }
}

/// A string of JSON.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_messages_are_thinned_out() {
        let mut repetition = Repetition::default();
        let written = |repetition: &mut Repetition, second, count| {
            (0..count).filter(|_| repetition.is_due(second, "again")).count()
        };
        assert_eq!(written(&mut repetition, 5, 100), 100);
        assert_eq!(written(&mut repetition, 5, 1000), 10);
        assert!(repetition.is_due(5, "another"));
        assert_eq!(written(&mut repetition, 6, 101), 100);
    }

    #[test]
    fn strings_are_quoted() {
        let mut out = String::new();
        quote(&mut out, "a\"b\\c\n\u{1}é");
        assert_eq!(out, "\"a\\\"b\\\\c\\n\\u0001é\"");
    }

    #[test]
    fn times_are_local_or_virtual() {
        assert_eq!(shown(Duration::from_secs(1_735_689_600), TimeZone::UTC), "2025-01-01 00:00:00");
    }
}
