//! The X-Ray header of an invocation, with the counts by which Lambda stops loops.
//!
//! A function's SDK passes the header on with each request. SQS keeps it with the message (`AWSTraceHeader`), and the
//! event source passes it to the next invocation with a higher count. In `Lineage`, Lambda counts how often a chain of
//! requests passed each function, and stops the chain after about 16 times:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>.

/// How often a chain of requests may pass one function.
const MAX_HOPS: u32 = 16;

/// The parts that are read here: `Root=…;Parent=…;Sampled=0;Lineage=c2ad9f3e:5|04e7a6cd:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceHeader {
    root: String,
    /// The functions that the chain passed, and how often.
    lineage: Vec<(String, u32)>,
}

impl TraceHeader {
    /// The header of a request that no other request led to.
    pub(crate) fn begin(now_ms: i64) -> Self {
        let (seconds, random) = (now_ms / 1_000, fastrand::u128(..) >> 32);
        Self {
            root: format!("1-{seconds:08x}-{random:024x}"),
            lineage: Vec::new(),
        }
    }

    /// `None` if the text is no X-Ray header, or has no `Root`.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut fields = header.split(';').filter_map(|field| field.split_once('='));
            fields.find(|(key, _)| key.trim() == name)
        };
        let (_, root) = field("Root")?;
        let lineage = field("Lineage").map_or("", |(_, lineage)| lineage);
        let hop = |hop: &str| {
            let (function, count) = hop.split_once(':')?;
            Some((function.to_owned(), count.parse().ok()?))
        };
        Some(Self {
            root: root.to_owned(),
            lineage: lineage.split('|').filter_map(hop).collect(),
        })
    }

    /// How often the chain passed a function.
    pub(crate) fn hops(&self, function_arn: &str) -> u32 {
        let id = id(function_arn);
        let found = self.lineage.iter().find(|(function, _)| *function == id);
        found.map_or(0, |(_, count)| *count)
    }

    /// Whether one more invocation of the function would continue a loop.
    pub(crate) fn is_loop(&self, function_arn: &str) -> bool {
        self.hops(function_arn) >= MAX_HOPS
    }

    /// The header for the function's next invocation.
    #[must_use]
    pub(crate) fn invoke(mut self, function_arn: &str) -> Self {
        let id = id(function_arn);
        match self
            .lineage
            .iter_mut()
            .find(|(function, _)| *function == id)
        {
            Some((_, count)) => *count += 1,
            None => self.lineage.push((id, 1)),
        }
        self
    }
}

impl std::fmt::Display for TraceHeader {
    /// Always with `Sampled=0`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (root, parent) = (&self.root, fastrand::u64(..));
        write!(formatter, "Root={root};Parent={parent:016x};Sampled=0")?;
        let hops = self.lineage.iter();
        let hops: Vec<_> = hops.map(|(id, count)| format!("{id}:{count}")).collect();
        if hops.is_empty() {
            return Ok(());
        }
        write!(formatter, ";Lineage={}", hops.join("|"))
    }
}

/// Eight hexadecimal digits, as on AWS. AWS doesn't document how it makes them; here it is FNV-1a.
fn id(function_arn: &str) -> String {
    let hash = function_arn.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_counted_function_by_function() {
        let mut trace = TraceHeader::begin(1_700_000_000_000);
        for hop in 0..MAX_HOPS {
            assert!(!trace.is_loop("a"), "{hop}");
            trace = TraceHeader::parse(&trace.invoke("a").to_string()).expect("a header");
            trace = TraceHeader::parse(&trace.invoke("b").to_string()).expect("a header");
            assert_eq!((trace.hops("a"), trace.hops("b")), (hop + 1, hop + 1));
        }
        assert!(trace.is_loop("a") && !trace.is_loop("c"));
    }

    #[test]
    fn a_header_is_read_as_far_as_it_is_one() {
        for (header, expected) in [
            ("", None),
            ("Root", None),
            ("Parent=1", None),
            ("Root=1-2-3", Some(vec![])),
            ("Sampled=1; Root=1-2-3;Lineage=", Some(vec![])),
            (
                "Root=1-2-3;Lineage=ab:2|x|cd:-1|ef:7;Self=1",
                Some(vec![("ab", 2), ("ef", 7)]),
            ),
        ] {
            let lineage = TraceHeader::parse(header).map(|trace| trace.lineage);
            let expected = expected.map(|hops| {
                let hops = hops.into_iter();
                hops.map(|(id, count)| (id.to_owned(), count))
                    .collect::<Vec<_>>()
            });
            assert_eq!(lineage, expected, "{header}");
        }
    }
}
