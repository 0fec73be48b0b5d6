//! A record as MessagePack, which `Generate_ID` hashes: everything in the shortest form that there is for it.
//!
//! Source: the MessagePack specification; msgpack/msgpack-c, pack_template.h.

use crate::simulate::value::{Key, Map, Value};

/// A map and all in it.
pub(super) fn packed(map: &Map) -> Vec<u8> {
    let mut out = Vec::new();
    pack_map(map, &mut out);
    out
}

fn pack_map(map: &Map, out: &mut Vec<u8>) {
    head(map.len(), &[(16, 0x80)], 0xde, out);
    for (key, value) in &map.members {
        match key {
            Key::Text(text) => pack_text(text, out),
            Key::Nil => out.push(0xc0),
        }
        pack(value, out);
    }
}

fn pack(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => out.push(0xc0),
        Value::Boolean(is_true) => out.push(if *is_true { 0xc3 } else { 0xc2 }),
        Value::Integer(number) => pack_integer(*number, out),
        Value::Float(number) => {
            out.push(0xcb);
            out.extend(number.to_be_bytes());
        }
        Value::Text(text) => pack_text(text, out),
        Value::List(values) => {
            head(values.len(), &[(16, 0x90)], 0xdc, out);
            values.iter().for_each(|value| pack(value, out));
        }
        Value::Map(map) => pack_map(map, out),
    }
}

fn pack_text(text: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(text.len()) {
        Ok(length @ 32..) => out.extend([0xd9, length]),
        _ => head(text.len(), &[(32, 0xa0)], 0xda, out),
    }
    out.extend(text);
}

/// A length: within the first byte where it is below a bound, else behind a mark in two or four bytes.
fn head(length: usize, short: &[(usize, u8)], mark: u8, out: &mut Vec<u8>) {
    if let Some((_, base)) = short.iter().find(|(bound, _)| length < *bound) {
        out.push(base | length.to_le_bytes()[0]);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(mark);
        out.extend(length.to_be_bytes());
    } else {
        out.push(mark + 1);
        out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

fn pack_integer(number: i128, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    let (mark, size) = match number {
        0..0x80 => return out.extend(bytes.last()),
        -32..0 => return out.extend(bytes.last()),
        0x80..0x100 => (0xcc, 1),
        0x100..0x1_0000 => (0xcd, 2),
        0x1_0000..0x1_0000_0000 => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -0x80..-32 => (0xd0, 1),
        -0x8000..-0x80 => (0xd1, 2),
        -0x8000_0000..-0x8000 => (0xd2, 4),
        _ => (0xd3, 8),
    };
    out.push(mark);
    out.extend(bytes.iter().skip(bytes.len() - size));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_in_its_shortest_form() {
        for (number, expected) in [
            (0, "00"),
            (127, "7f"),
            (128, "cc80"),
            (255, "ccff"),
            (256, "cd0100"),
            (65_535, "cdffff"),
            (65_536, "ce00010000"),
            (4_294_967_296, "cf0000000100000000"),
            (-1, "ff"),
            (-32, "e0"),
            (-33, "d0df"),
            (-128, "d080"),
            (-129, "d1ff7f"),
            (-32_768, "d18000"),
            (-32_769, "d2ffff7fff"),
            (-2_147_483_649, "d3ffffffff7fffffff"),
        ] {
            let mut out = Vec::new();
            pack_integer(number, &mut out);
            assert_eq!(out.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected, "{number}");
        }
        for (length, expected) in [
            (31, vec![0xbf]),
            (32, vec![0xd9, 32]),
            (255, vec![0xd9, 255]),
            (256, vec![0xda, 1, 0]),
            (65_536, vec![0xdb, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            pack_text(&vec![b'x'; length], &mut out);
            assert_eq!(out.get(..out.len() - length).unwrap(), expected, "{length}");
        }
        for (length, expected) in [
            (15, vec![0x9f]),
            (16, vec![0xdc, 0, 16]),
            (65_535, vec![0xdc, 255, 255]),
            (65_536, vec![0xdd, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            pack(&Value::List(vec![Value::Nil; length]), &mut out);
            assert_eq!(out.get(..out.len() - length).unwrap(), expected, "{length}");
        }
    }
}
