//! `es`: documents of Elasticsearch, each behind the line that says what is to be done with it.
//!
//! Source: fluent/fluent-bit, plugins/out_es/es.c, `elasticsearch_format`, and plugins/out_es/es_conf.c, at v1.9.10 and v5.1.1.

use super::strftime::strftime;
use super::{message_pack, murmur};
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::accessor::Accessor;
use crate::simulate::boolean::boolean;
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::parsers::time::Time;
use crate::simulate::print;
use crate::simulate::record::Record;
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Key, Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Elasticsearch {
    action: Action,
    index: String,
    /// None where it is not to be written.
    kind: Option<String>,
    logstash: Option<Logstash>,
    time_key: String,
    time_format: String,
    has_nanoseconds: bool,
    tag_key: Option<String>,
    replaces_dots: bool,
    generates_id: bool,
    id_key: Option<Accessor>,
    uses_current_time: bool,
    is_upstream: bool,
}

/// Indices by day, or what `Logstash_DateFormat` has.
#[derive(Debug, Clone, PartialEq)]
struct Logstash {
    prefix: String,
    prefix_key: Option<Accessor>,
    separator: String,
    date_format: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Index,
    Create,
    Update,
    Upsert,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::Index => "index",
            Action::Create => "create",
            Action::Update | Action::Upsert => "update",
        }
    }

    fn body(self, document: &[u8]) -> Vec<u8> {
        let (before, after): (&[u8], &[u8]) = match self {
            Action::Index | Action::Create => (b"", b""),
            Action::Update => (b"{\"doc\":", b"}"),
            Action::Upsert => (b"{\"doc_as_upsert\":true,\"doc\":", b"}"),
        };
        [before, document, after].concat()
    }
}

/// What goes on from one record of a batch to the next.
struct Bulk {
    /// The line before the documents.
    header: Vec<u8>,
    /// What has room in its buffer.
    room: usize,
    /// Fluent Bit's buffer for the index's name, which ends at its first zero.
    index: [u8; BUFFER],
}

impl Bulk {
    /// A line that does not have room gets it, and then ends with a zero instead of its newline, so that Elasticsearch does not take it.
    /// Source: src/flb_sds.c, `flb_sds_snprintf`.
    fn begin(&mut self, mut header: Vec<u8>) {
        if header.len() >= self.room {
            self.room = header.len();
            header.pop();
            header.push(0);
        }
        self.header = header;
    }
}

/// Source: es_bulk.h, `ES_BULK_HEADER`.
const ROOM: usize = 165;

/// Source: es.c, `logstash_index`.
const BUFFER: usize = 256;

/// Of a record's own prefix, so much is taken. Source: es.c.
const LONGEST_PREFIX: usize = 128;

impl Elasticsearch {
    pub(super) fn new(core: Core, section: &ReadSection) -> Result<Elasticsearch, NotStarted> {
        let text = |option: &str, otherwise: &str| section.value(option).unwrap_or(otherwise).to_owned();
        let flag = |option: &str| match section.value(option) {
            None => Ok(false),
            Some(value) => boolean(value).ok_or(NotStarted::because("an option is no boolean")),
        };
        let action = match text("Write_Operation", "create").to_ascii_lowercase().as_str() {
            "index" => Action::Index,
            "create" => Action::Create,
            "update" => Action::Update,
            "upsert" => Action::Upsert,
            _ => return Err(NotStarted::because("es has a Write_Operation that does not exist")),
        };
        // One that cannot be read is passed over, but turns Generate_ID off all the same.
        let id_key = section.value("Id_Key");
        let generates_id = flag("Generate_ID")? && id_key.is_none();
        let id_key = id_key.and_then(|key| Accessor::new(core, key));
        if action.name() == "update" && id_key.is_none() && !generates_id {
            return Err(NotStarted::because("es is to update, and has neither Id_Key nor Generate_ID"));
        }
        let prefix_key = match section.value("Logstash_Prefix_Key") {
            None => None,
            Some(key) => {
                let key = if key.starts_with('$') { key.to_owned() } else { format!("${key}") };
                Some(
                    Accessor::new(core, &key)
                        .ok_or(NotStarted::because("es has a Logstash_Prefix_Key that cannot be read"))?,
                )
            }
        };
        let logstash = flag("Logstash_Format")?.then(|| Logstash {
            prefix: text("Logstash_Prefix", "logstash"),
            prefix_key,
            separator: text("Logstash_Prefix_Separator", "-"),
            date_format: text("Logstash_DateFormat", "%Y.%m.%d"),
        });
        Ok(Elasticsearch {
            action,
            index: text("Index", "fluent-bit"),
            kind: (!flag("Suppress_Type_Name")?).then(|| text("Type", "_doc")),
            logstash,
            time_key: text("Time_Key", "@timestamp"),
            time_format: text("Time_Key_Format", "%Y-%m-%dT%H:%M:%S"),
            has_nanoseconds: flag("Time_Key_Nanos")?,
            tag_key: flag("Include_Tag_Key")?.then(|| text("Tag_Key", "flb-key")),
            replaces_dots: flag("Replace_Dots")?,
            generates_id,
            id_key,
            uses_current_time: flag("Current_Time_Index")?,
            is_upstream: section.value("Upstream").is_some(),
        })
    }

    pub(super) fn send(&self, core: Core, tag: &[u8], records: &[&Record], read_at: Time) -> Vec<Vec<Sent>> {
        let mut bulk = Bulk { header: Vec::new(), room: ROOM, index: [0; BUFFER] };
        let begun = self.begin(&mut bulk, read_at);
        let mut each = |record: &&Record| {
            let sent = begun.and_then(|()| self.document(core, tag, record, read_at, &mut bulk));
            vec![sent.unwrap_or_else(Sent::Unknown)]
        };
        records.iter().map(&mut each).collect()
    }

    /// Where neither time nor record have a say in where documents go, that is settled once.
    fn begin(&self, bulk: &mut Bulk, read_at: Time) -> Result<(), Unknown> {
        if self.is_upstream {
            return Err(Unknown("the options of an Upstream come from a file"));
        }
        match &self.logstash {
            // Its longest name, with the longest date, has room.
            Some(logstash) if logstash.prefix.len() + logstash.separator.len() > LONGEST_PREFIX => {
                return Err(Unknown("a time or name is longer than Fluent Bit may have room for"));
            }
            Some(logstash) => put(&mut bulk.index, 0, logstash.prefix.as_bytes()),
            None if self.generates_id => {}
            None => bulk.begin(self.header(strftime(&self.index, read_at.seconds)?.as_bytes(), None)),
        }
        Ok(())
    }

    fn document(
        &self,
        core: Core,
        tag: &[u8],
        record: &Record,
        read_at: Time,
        bulk: &mut Bulk,
    ) -> Result<Sent, Unknown> {
        if self.uses_current_time {
            return Err(Unknown("a document has the time of sending"));
        }
        let time = record.time.unwrap_or(read_at);
        let index = match &self.logstash {
            Some(logstash) => {
                logstash.index(core, tag, &record.map, time, &mut bulk.index)?;
                let index = until_zero(&bulk.index).to_vec();
                if !self.generates_id {
                    bulk.begin(self.header(&index, None));
                }
                index
            }
            // Here it is as it stands, also where it has conversions.
            None => self.index.clone().into_bytes(),
        };
        let mut map = Map::default();
        let fraction = if self.has_nanoseconds {
            format!("{:09}", time.nanoseconds)
        } else {
            format!("{:03}", time.nanoseconds / 1_000_000)
        };
        map.push(&self.time_key, Value::text(format!("{}.{fraction}Z", strftime(&self.time_format, time.seconds)?)));
        if let Some(key) = &self.tag_key {
            map.push(key, Value::text(tag));
        }
        map.members.extend(self.members(&record.map).members);
        if self.generates_id {
            bulk.begin(self.header(&index, Some(murmur::id(&message_pack::packed(&map)).as_bytes())));
        }
        if let Some(key) = &self.id_key {
            // Without one, the line stays as it is, with the id of the record before.
            let id = key.find(core, &record.map)?.and_then(|found| found.value.as_text());
            let is_safe = core == Core::Older || id.is_some_and(is_safe);
            match id {
                Some(id) if is_safe => bulk.begin(self.header(&index, Some(id))),
                None | Some(_) if self.action.name() == "update" && core == Core::Newer => {
                    return Ok(Sent::Nothing("the record has no id, so that nothing is there to be updated"));
                }
                Some(_) => bulk.begin(self.header(&index, None)),
                None => {}
            }
        }
        let document = self.action.body(&print::json_map(core, &map));
        Ok(Sent::Document([bulk.header.as_slice(), &document, b"\n"].concat()))
    }

    /// A record's members. A key that is none becomes an empty one.
    fn members(&self, map: &Map) -> Map {
        let member = |(key, value): &(Key, Value)| {
            let mut key = key.as_text().unwrap_or_default().to_vec();
            if self.replaces_dots {
                key.iter_mut().filter(|byte| **byte == b'.').for_each(|byte| *byte = b'_');
            }
            (Key::Text(key), self.value(value))
        };
        Map { members: map.members.iter().map(member).collect() }
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Map(map) => Value::Map(self.members(map)),
            Value::List(values) => Value::List(values.iter().map(|value| self.value(value)).collect()),
            other => other.clone(),
        }
    }

    fn header(&self, index: &[u8], id: Option<&[u8]>) -> Vec<u8> {
        let mut out = format!("{{\"{}\":{{\"_index\":\"", self.action.name()).into_bytes();
        out.extend(until_zero(index));
        out.push(b'"');
        if let Some(kind) = &self.kind {
            out.extend(format!(",\"_type\":\"{kind}\"").bytes());
        }
        if let Some(id) = id {
            out.extend(b",\"_id\":\"");
            out.extend(until_zero(id));
            out.push(b'"');
        }
        out.extend(b"}}\n");
        out
    }
}

impl Logstash {
    /// Writes the index's name into the buffer: prefix and date. The older core leaves there what the record before had.
    fn index(
        &self,
        core: Core,
        tag: &[u8],
        record: &Map,
        time: Time,
        buffer: &mut [u8; BUFFER],
    ) -> Result<(), Unknown> {
        if core == Core::Newer {
            put(buffer, 0, self.prefix.as_bytes());
        }
        let own = match &self.prefix_key {
            Some(key) => key.fill(core, tag, record, None, false)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let own = if core == Core::Newer && !is_safe(&own) { &[] } else { own.as_slice() };
        let own = own.get(..LONGEST_PREFIX).unwrap_or(own);
        if let Some(place) = buffer.get_mut(..own.len()) {
            place.copy_from_slice(own);
        }
        let length = if own.is_empty() { self.prefix.len() } else { own.len() };
        put(buffer, length, format!("{}{}", self.separator, strftime(&self.date_format, time.seconds)?).as_bytes());
        Ok(())
    }
}

/// Writes a text and a zero.
fn put(buffer: &mut [u8; BUFFER], start: usize, text: &[u8]) {
    let bytes = text.iter().chain(std::iter::once(&0));
    buffer.iter_mut().skip(start).zip(bytes).for_each(|(place, byte)| *place = *byte);
}

fn until_zero(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Whether the newer core writes it into the line before a document.
fn is_safe(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fluent_bit::parse::parse;
    use crate::simulate::json::{JsonObject, read};
    use crate::simulate::record::LinePlace;

    const TIME: Time = Time { seconds: 1_795_370_401, nanoseconds: 104_414_813 };

    fn sent(core: Core, options: &str, records: &[&str]) -> Vec<String> {
        let configuration = parse(&format!("[OUTPUT]\n    Name es\n{options}"));
        let output = Elasticsearch::new(core, &configuration.sections[0]).unwrap();
        let record = |json: &&str| {
            let JsonObject::Read(map) = read(core, json.as_bytes()).unwrap() else { panic!("{json}") };
            Record { line: LinePlace { file: 0, line: 0 }, time: Some(TIME), map }
        };
        let records: Vec<Record> = records.iter().map(record).collect();
        let shown = |sent: Vec<Sent>| match sent.as_slice() {
            [Sent::Document(document)] => String::from_utf8(document.clone()).unwrap(),
            other => format!("{other:?}"),
        };
        output.send(core, b"kube.x", &records.iter().collect::<Vec<&Record>>(), TIME).into_iter().map(shown).collect()
    }

    #[test]
    fn a_document_has_its_time_and_a_line_before_it() {
        for (options, json, expected) in [
            (
                "",
                r#"{"a":1}"#,
                "{\"create\":{\"_index\":\"fluent-bit\",\"_type\":\"_doc\"}}\n{\"@timestamp\":\"2026-11-22T18:00:01.104Z\",\"a\":1}\n",
            ),
            (
                "    Logstash_Format On\n    Suppress_Type_Name On\n    Include_Tag_Key On\n    Replace_Dots On\n",
                r#"{"a.b":[{"c.d":1}],"@timestamp":"x"}"#,
                "{\"create\":{\"_index\":\"logstash-2026.11.22\"}}\n{\"flb-key\":\"kube.x\",\"a_b\":[{\"c_d\":1}],\"@timestamp\":\"x\"}\n",
            ),
            (
                "    Index i-%Y\n    Write_Operation upsert\n    Id_Key $id\n    Time_Key_Nanos On\n    Time_Key t\n    Time_Key_Format %H\n",
                r#"{"id":"7"}"#,
                "{\"update\":{\"_index\":\"i-%Y\",\"_type\":\"_doc\",\"_id\":\"7\"}}\n{\"doc_as_upsert\":true,\"doc\":{\"t\":\"18.104414813Z\",\"id\":\"7\"}}\n",
            ),
        ] {
            for core in Core::BOTH {
                assert_eq!(sent(core, options, &[json]), [expected], "{options}");
            }
        }
    }

    /// As the two cores do it with records that follow each other.
    #[test]
    fn what_a_record_lacks_it_has_from_the_one_before() {
        let index = |document: &String| document.split('"').nth(5).unwrap().to_owned();
        let options = "    Logstash_Format On\n    Logstash_Prefix_Key level\n";
        let records = [r#"{"level":"warning"}"#, r#"{"a":1}"#];
        let found: Vec<String> = sent(Core::Older, options, &records).iter().map(index).collect();
        assert_eq!(found, ["warning-2026.11.22", "warning--2026.11.22"]);
        let found: Vec<String> = sent(Core::Newer, options, &records).iter().map(index).collect();
        assert_eq!(found, ["warning-2026.11.22", "logstash-2026.11.22"]);
        let found = sent(Core::Newer, "    Id_Key id\n", &[r#"{"id":"7"}"#, r#"{"a":1}"#, r#"{"id":"x\"y"}"#]);
        assert_eq!(found.iter().filter(|document| document.contains("\"_id\":\"7\"")).count(), 2);
    }

    #[test]
    fn a_line_before_a_document_has_room_up_to_a_length() {
        let around = r#"{"create":{"_index":"fluent-bit","_type":"_doc","_id":""}}"#.len() + 1;
        for (length, end) in [(ROOM - 1, '\n'), (ROOM, '\0'), (ROOM + 1, '\0')] {
            let record = format!(r#"{{"id":"{}"}}"#, "x".repeat(length - around));
            for core in Core::BOTH {
                let found = sent(core, "    Id_Key id\n", &[&record, r#"{"id":"7"}"#]);
                assert_eq!(found[0].chars().nth(length - 1), Some(end), "{length}");
                assert!(found[1].contains("\"_id\":\"7\"}}\n"), "{}", found[1]);
            }
        }
    }

    #[test]
    fn an_id_is_made_of_the_whole_document() {
        let id = |core| sent(core, "    Generate_ID On\n", &[r#"{"a":1}"#, r#"{"a":2}"#]);
        assert_eq!(id(Core::Older), id(Core::Newer));
        assert_ne!(id(Core::Older)[0].split('"').nth(13), id(Core::Older)[1].split('"').nth(13));
    }
}
