//! Log lines on standard error: time, level, logger, message and fields, separated by tabs.
//!
//! A subscriber of `tracing` of our own: a line is a few fields and there are no spans, so what the usual subscribers bring
//! (layers, filters, a registry of spans) would be paid for and not used.

use std::fmt::{Debug, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::runtime::clock::Clock;

/// Lines are written from now on, with times of this clock.
pub fn start(clock: &Clock) {
    // The first subscriber stays; there is no other.
    let _ = tracing::subscriber::set_global_default(Lines { clock: clock.clone() });
}

/// See the head of the file.
struct Lines {
    clock: Clock,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= LevelFilter::DEBUG
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        let time = self.clock.time_of_day();
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
