//! Tests of layouts.

use super::*;
use crate::modules::time::instant::Time;
use crate::modules::time::location::Location;

fn fields(civil: Civil, location: Location) -> Fields {
    Time::from_civil(civil, location).fields()
}

fn sample() -> Civil {
    Civil { year: 2024, month: 2, day: 5, hour: 15, minute: 4, second: 9, nanosecond: 12_300_000 }
}

#[test]
fn every_token_is_formatted() {
    let fields = fields(sample(), Location::fixed(b"CET", 3600));
    for (layout, expected) in [
        ("2006 06", "2024 24"),
        ("January Jan 1 01", "February Feb 2 02"),
        ("Monday Mon", "Monday Mon"),
        ("2|_2|02", "5| 5|05"),
        ("__2|002", " 36|036"),
        ("15 3 03", "15 3 03"),
        ("4 04 5 05", "4 04 9 09"),
        ("PM pm", "PM pm"),
        (".000 ,000000", ".012 ,012300"),
        (".999 .99 .9 ,999999999", ".012 .01  ,0123"),
        (".0000000000000", ".0123000000000"),
        ("MST", "CET"),
        ("-07 -0700 -07:00 -070000 -07:00:00", "+01 +0100 +01:00 +010000 +01:00:00"),
        ("Z07 Z0700 Z07:00", "+01 +0100 +01:00"),
        ("Janet Monat Z Zulu", "Janet Monat Z Zulu"),
        ("_2006", "_2024"),
        ("Januaryx JanX", "Februaryx FebX"),
        (".0001 .9990", ".0002 .9990"),
        ("", ""),
        ("T\u{e4}\0", "T\u{e4}\0"),
    ] {
        let shown = String::from_utf8(format(&fields, layout.as_bytes())).expect("text");
        assert_eq!(shown, expected, "{layout}");
    }
}

#[test]
fn zones_and_halves_at_their_edges() {
    let midnight = Civil { hour: 0, ..sample() };
    let utc = fields(midnight, Location::utc());
    assert_eq!(format(&utc, b"3:04PM Z07:00 -07:00 MST"), b"12:04AM Z +00:00 UTC");
    let unnamed = fields(midnight, Location::fixed(b"", -(5 * 3600 + 30 * 60)));
    assert_eq!(format(&unnamed, b"MST Z07"), b"-0530 -05");
    let odd = fields(midnight, Location::fixed(b"", 3601));
    assert_eq!(format(&odd, b"Z07:00:00"), b"+01:00:01");
    assert_eq!(format(&fields(Civil { year: -7, ..midnight }, Location::utc()), b"2006"), b"-0007");
    assert_eq!(format(&fields(Civil { year: 12_345, ..midnight }, Location::utc()), b"2006"), b"12345");
}

fn read(layout: &str, text: &str) -> Civil {
    match parse(layout.as_bytes(), text.as_bytes()) {
        Ok(parsed) => parsed.civil,
        Err(mismatch) => panic!("{layout}: {text}: {}", String::from_utf8_lossy(&mismatch.text())),
    }
}

fn refuse(layout: &str, text: &str) {
    assert!(parse(layout.as_bytes(), text.as_bytes()).is_err(), "{layout}: {text}");
}

#[test]
fn every_token_is_parsed() {
    let none = Civil { year: 0, month: 1, day: 1, ..Civil::default() };
    let day = |year, month, day| Civil { year, month, day, ..none };
    let clock = |hour, minute, second| Civil { hour, minute, second, ..none };
    assert_eq!(read("", ""), none);
    assert_eq!(read("2006-01-02", "2024-02-29"), day(2024, 2, 29));
    assert_eq!(read("2006-1-2", "2024-02-03"), day(2024, 2, 3));
    assert_eq!(read("06", "69").year, 1969);
    assert_eq!(read("06", "68").year, 2068);
    assert_eq!(read("January 2", "fEBRUARY 3"), day(0, 2, 3));
    assert_eq!(read("Jan _2", "MAR  3"), day(0, 3, 3));
    assert_eq!(read("Monday Mon 2", "friday SUN 9").day, 9);
    assert_eq!(read("2006 002", "2024 060"), day(2024, 2, 29));
    assert_eq!(read("2006 __2", "2023  60"), day(2023, 3, 1));
    assert_eq!(read("15:4:5", "7:08:9"), clock(7, 8, 9));
    assert_eq!(read("3PM", "12AM").hour, 0);
    assert_eq!(read("3PM", "12PM").hour, 12);
    assert_eq!(read("03pm", "03pm").hour, 15);
    assert_eq!(read("15:04:05", "10:11:12.5").nanosecond, 500_000_000);
    assert_eq!(read("15:04:05 MST", "10:11:12,25 UTC").nanosecond, 250_000_000);
    assert_eq!(read("05.000", "12.345").nanosecond, 345_000_000);
    assert_eq!(read("05.999", "12.3456789012").nanosecond, 345_678_901);
    assert_eq!(read("05.999", "12").second, 12);
    assert_eq!(read("2 15", "3    4"), Civil { day: 3, hour: 4, ..none });
    let zone = |layout: &str, text: &str| parse(layout.as_bytes(), text.as_bytes()).expect("fits").zone;
    assert!(zone("Z07:00", "Z").is_utc);
    assert_eq!(zone("Z07:00", "+02:30").offset, Some(9000));
    assert_eq!(zone("-07", "-02").offset, Some(-7200));
    assert_eq!(zone("-070000", "+010203").offset, Some(3723));
    assert_eq!(zone("MST", "CEST").abbreviation, b"CEST");
}

#[test]
fn what_does_not_fit_is_refused() {
    for (layout, text) in [
        ("2006", "24"),
        ("2006", "20245"),
        ("2006", "+024"),
        ("2006-01-02", "2024-1-02"),
        ("2006-01-02", "2024-13-02"),
        ("2006-01-02", "2024-00-02"),
        ("2006-01-02", "2024-02-30"),
        ("2006-01-02", "2023-02-29"),
        ("2006-01-02", "2024-02-00"),
        ("2006-01-02", "nope"),
        ("2006-01-02", "2024-02-02 "),
        ("2006-01-02 ", "2024-02-02"),
        ("2006 002", "2023 366"),
        ("2006 01 002", "2023 03 001"),
        ("002", "60"),
        ("15", "24"),
        ("3", "13"),
        ("04", "60"),
        ("05", "60"),
        ("PM", "pm"),
        ("pm", "PM"),
        ("05.000", "12.34"),
        ("05.000", "12"),
        ("Mon", "Xyz"),
        ("MST", "AB"),
        ("MST", "ABCDEF"),
        ("-07:00", "+0200"),
        ("-07:00", "Z"),
        ("-0700", "+0260"),
        ("-07", "+25"),
        ("x", "y"),
        ("2006 01", "202401"),
    ] {
        refuse(layout, text);
    }
}

#[test]
fn what_is_formatted_comes_back() {
    let layouts = [
        "Mon Jan _2 15:04:05.000000000 2006 -07:00",
        "Monday, 02-Jan-06 03:04:05.000000000 PM Z0700",
        "2006-01-02T15:04:05.999999999Z07:00",
        "2006 002 3PM 4 5,000000000",
    ];
    for layout in layouts {
        for hour in 0..24 {
            let civil = Civil { hour, ..sample() };
            let shown = format(&fields(civil, Location::utc()), layout.as_bytes());
            assert_eq!(read(layout, std::str::from_utf8(&shown).expect("text")), civil, "{layout}");
        }
    }
}
