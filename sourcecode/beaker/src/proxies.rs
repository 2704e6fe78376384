//! [`TrustedProxies`]: the proxies whose headers are believed about the visitor's address and about TLS.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The trusted proxies in front of an application, by their addresses.
///
/// A proxy that terminates TLS speaks plain HTTP to the application, and says in a header how the visitor
/// came. Because anybody can send such a header, it is believed only from a peer whose address is in this
/// list.
///
/// # Examples
///
/// ```
/// use beaker::{CookieOptions, TrustedProxies};
///
/// # fn main() -> beaker::Result<()> {
/// let proxies: TrustedProxies = "127.0.0.1, 10.0.0.0/8, fd00::/8".parse()?;
/// let cookie = CookieOptions::default().secure_by_request(proxies);
/// # let _ = cookie;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ProxyHeader,
}

/// The header in which a proxy says how a request came to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// `X-Forwarded-Proto`, and `X-Forwarded-For` for the addresses on the way through several proxies.
    #[default]
    XForwardedProto,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// An address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many of its bits count.
    length: u32,
}

impl TrustedProxies {
    /// Creates a list of trusted addresses (`10.0.0.7`, `::1`) and networks (`10.0.0.0/8`, `fd00::/8`). Their
    /// header is `X-Forwarded-Proto`, unless [`header`](TrustedProxies::header) sets another one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` with all entries that are neither addresses nor networks, and for an empty list,
    /// which would trust nobody.
    pub fn new<T: AsRef<str>>(list: impl IntoIterator<Item = T>) -> Result<TrustedProxies> {
        let (mut networks, mut wrong) = (Vec::new(), Vec::new());
        for entry in list {
            match Network::parse(entry.as_ref().trim()) {
                Ok(network) => networks.push(network),
                Err(why) => wrong.push(why),
            }
        }
        if networks.is_empty() && wrong.is_empty() {
            wrong.push("the list of trusted proxies is empty; name their addresses".into());
        }
        match wrong.is_empty() {
            true => Ok(TrustedProxies { networks, header: ProxyHeader::default() }),
            false => Err(Error::config(wrong.join("; "))),
        }
    }

    /// Sets the header that the proxies write. Default: `X-Forwarded-Proto`. The other header is ignored,
    /// because a proxy passes on headers that it does not know, and a visitor may have written it.
    pub fn header(mut self, header: ProxyHeader) -> TrustedProxies {
        self.header = header;
        self
    }

    /// Returns the header that the proxies write.
    #[must_use]
    pub fn get_header(&self) -> ProxyHeader {
        self.header
    }

    /// Returns whether a peer is a trusted proxy.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// let proxies: beaker::TrustedProxies = "10.0.0.0/8".parse()?;
    /// assert!(proxies.contains("10.1.2.3".parse().unwrap()));
    /// assert!(!proxies.contains("192.0.2.1".parse().unwrap()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|network| network.contains(peer))
    }
}

/// Parses addresses and networks that are separated by commas or white space.
impl FromStr for TrustedProxies {
    type Err = Error;

    fn from_str(list: &str) -> Result<TrustedProxies> {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        TrustedProxies::new(entries.filter(|entry| !entry.is_empty()))
    }
}

/// Prints the list in a form that can be parsed again, without the header.
impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Network { address, length }) in self.networks.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            match *length == bits(*address) {
                true => write!(f, "{comma}{address}")?,
                false => write!(f, "{comma}{address}/{length}")?,
            }
        }
        Ok(())
    }
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address as a number whose first bits are compared.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

impl Network {
    fn parse(entry: &str) -> Result<Network, String> {
        let none = || format!("`{entry}` is neither an address nor a network such as `10.0.0.0/8`");
        let (address, length) = match entry.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (entry, None),
        };
        let address: IpAddr = address.parse().map_err(|_| none())?;
        let most = bits(address);
        let length = match length {
            None => most,
            Some(length) if length.bytes().all(|digit| digit.is_ascii_digit()) => {
                length.parse().ok().filter(|length| *length <= most).ok_or_else(none)?
            }
            Some(_) => return Err(none()),
        };
        // An IPv4 address in IPv6's clothes is compared as what it is.
        let (address, length) = match address.to_canonical() {
            plain if plain == address => (address, length),
            plain => (plain, length.checked_sub(96).ok_or_else(none)?),
        };
        if number(address) & !mask(length) != 0 {
            return Err(format!("`{entry}` names one address and a whole network; write either"));
        }
        Ok(Network { address, length })
    }

    fn contains(&self, peer: IpAddr) -> bool {
        peer.is_ipv4() == self.address.is_ipv4()
            && (number(peer) ^ number(self.address)) & mask(self.length) == 0
    }
}

/// What one proxy says of the connection on which a request came to it.
#[cfg(any(feature = "middleware", test))]
#[derive(Debug, Default)]
struct Hop {
    /// Who was at the other end.
    from: Option<IpAddr>,
    is_tls: Option<bool>,
}

#[cfg(any(feature = "middleware", test))]
impl TrustedProxies {
    /// Tells whether a visitor came over TLS to the outermost proxy that is trusted. `lines` gives the values
    /// of all headers of a name.
    ///
    /// Each proxy has added its word at the end, so they are read from there: a peer who is trusted says who
    /// was before it, and that one's word counts if it is trusted as well.
    pub(crate) fn is_tls<'a>(
        &self,
        peer: IpAddr,
        lines: impl Fn(&'static str) -> Vec<&'a str>,
    ) -> bool {
        let hops = match self.header {
            ProxyHeader::XForwardedProto => {
                de_facto(&lines("x-forwarded-proto"), &lines("x-forwarded-for"))
            }
            // What cannot be read might hide the end of the list.
            ProxyHeader::Forwarded => forwarded::read(&lines("forwarded")).unwrap_or_default(),
        };
        let (mut by, mut is_tls) = (Some(peer), false);
        for hop in hops.into_iter().rev() {
            if !by.is_some_and(|by| self.contains(by)) {
                break;
            }
            is_tls = hop.is_tls.unwrap_or(is_tls);
            by = hop.from;
        }
        is_tls
    }

    /// Returns the address of the visitor: the first on the way back whom nobody has to trust, or the last that is
    /// known.
    pub(crate) fn visitor<'a>(
        &self,
        peer: IpAddr,
        lines: impl Fn(&'static str) -> Vec<&'a str>,
    ) -> IpAddr {
        let way: Vec<Option<IpAddr>> = match self.header {
            ProxyHeader::XForwardedProto => {
                entries(&lines("x-forwarded-for")).iter().map(|entry| node(entry)).collect()
            }
            ProxyHeader::Forwarded => {
                let hops = forwarded::read(&lines("forwarded")).unwrap_or_default();
                hops.into_iter().map(|hop| hop.from).collect()
            }
        };
        let mut by = peer;
        for from in way.into_iter().rev() {
            match from {
                Some(from) if self.contains(by) => by = from,
                _ => break,
            }
        }
        by
    }

    /// Returns the name of the header in which the way is told.
    #[cfg(feature = "middleware")]
    pub(crate) fn header_name(&self) -> &'static str {
        match self.header {
            ProxyHeader::XForwardedProto => "x-forwarded-proto",
            ProxyHeader::Forwarded => "forwarded",
        }
    }
}

/// What stands between commas.
#[cfg(any(feature = "middleware", test))]
fn entries(lines: &[&str]) -> Vec<String> {
    lines.iter().flat_map(|line| line.split(',')).map(|it| it.trim().to_owned()).collect()
}

/// Reads the headers that proxies wrote before there was a standard: one list of schemes, and one of addresses.
/// They belong together from their ends on, since a proxy may replace one and add to the other.
#[cfg(any(feature = "middleware", test))]
fn de_facto(schemes: &[&str], addresses: &[&str]) -> Vec<Hop> {
    let mut addresses = entries(addresses);
    let hops = entries(schemes).into_iter().rev().map(|scheme| Hop {
        from: addresses.pop().as_deref().and_then(node),
        is_tls: Some(is_tls(&scheme)),
    });
    let mut hops: Vec<Hop> = hops.collect();
    hops.reverse();
    hops
}

#[cfg(any(feature = "middleware", test))]
fn is_tls(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss")
}

/// Reads an address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
#[cfg(any(feature = "middleware", test))]
fn node(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_port =
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| !port.is_empty());
        return address.parse().ok().filter(|address: &IpAddr| is_port && address.is_ipv6());
    }
    let is_with_port = text.matches(':').count() == 1;
    let address = if is_with_port { text.split(':').next()? } else { text };
    address.parse().ok()
}

/// The header of RFC 7239.
#[cfg(any(feature = "middleware", test))]
mod forwarded {
    use super::{Hop, is_tls, node};

    /// Reads what all proxies say, or nothing if any of it does not follow the grammar.
    pub(super) fn read(lines: &[&str]) -> Option<Vec<Hop>> {
        let mut hops = Vec::new();
        for mut rest in lines.iter().copied() {
            loop {
                let (hop, behind) = element(rest)?;
                // An element that is empty is none.
                hops.extend(hop);
                rest = behind;
                match rest.strip_prefix(',') {
                    Some(next) => rest = next,
                    None => break,
                }
            }
        }
        Some(hops)
    }

    /// Reads what one proxy says: pairs with semicolons between them. Gives what is behind it.
    fn element(mut rest: &str) -> Option<(Option<Hop>, &str)> {
        let mut found: Option<Hop> = None;
        let (mut has_from, mut has_scheme) = (false, false);
        loop {
            rest = rest.trim_start_matches([' ', '\t']);
            // A semicolon may end it.
            if !rest.starts_with([',', ';']) && !rest.is_empty() {
                let (name, behind) = token(rest)?;
                let (value, behind) = value(behind.strip_prefix('=')?)?;
                rest = behind.trim_start_matches([' ', '\t']);
                let hop = found.get_or_insert_default();
                if name.eq_ignore_ascii_case("for") {
                    hop.from = node(&value);
                    // Said twice, it could mean either.
                    if std::mem::replace(&mut has_from, true) {
                        return None;
                    }
                } else if name.eq_ignore_ascii_case("proto") {
                    hop.is_tls = Some(is_tls(&value));
                    if std::mem::replace(&mut has_scheme, true) {
                        return None;
                    }
                }
            }
            match rest.strip_prefix(';') {
                Some(next) => rest = next,
                None if rest.is_empty() || rest.starts_with(',') => return Some((found, rest)),
                None => return None,
            }
        }
    }

    fn token(text: &str) -> Option<(&str, &str)> {
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = text.find(|c| !is_of_token(c)).unwrap_or(text.len());
        (end > 0).then(|| text.split_at(end))
    }

    /// A word, or a text in quotes.
    fn value(text: &str) -> Option<(String, &str)> {
        let Some(quoted) = text.strip_prefix('"') else {
            // Some proxies write an address with its port, without the quotes that the colon needs.
            let end = text.find([',', ';', ' ', '\t', '"', '=', '\\']).unwrap_or(text.len());
            return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => return Some((value, &quoted[at + 1..])),
                '\\' => value.push(characters.next()?.1),
                c => value.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(list: &str) -> TrustedProxies {
        list.parse().unwrap()
    }

    #[test]
    fn a_list_has_addresses_and_networks() {
        let list = proxies("127.0.0.1, 10.0.0.0/8 fd00::/8,::1, ::ffff:192.0.2.0/120");
        assert_eq!(list.to_string(), "127.0.0.1, 10.0.0.0/8, fd00::/8, ::1, 192.0.2.0/24");
        assert_eq!(proxies(&list.to_string()), list);
        for (peer, is_trusted) in [
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:11.0.0.1", false),
            ("::1", true),
            ("::2", false),
            ("fd12::1", true),
            ("fe12::1", false),
            ("192.0.2.255", true),
            // The same bits in the other family.
            ("a00::", false),
        ] {
            assert_eq!(list.contains(peer.parse().unwrap()), is_trusted, "{peer}");
        }
        assert!(proxies("0.0.0.0/0").contains("8.8.8.8".parse().unwrap()));
        assert!(!proxies("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(proxies("::/0").contains("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn all_that_is_wrong_in_a_list_is_said_at_once() {
        let wrong = [
            "localhost",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "/8",
            "10.0.0",
            "10.0.0.0/8/8",
            "::ffff:10.0.0.0/8",
            "[::1]",
            "127.0.0.1:80",
        ];
        let error = TrustedProxies::new(wrong).unwrap_err().to_string();
        for entry in wrong {
            assert!(error.contains(&format!("`{entry}`")), "{entry}: {error}");
        }
        let error = TrustedProxies::new(["10.0.0.1/8"]).unwrap_err().to_string();
        assert!(error.contains("write either"), "{error}");
        assert!(" , ".parse::<TrustedProxies>().unwrap_err().to_string().contains("empty"));
    }

    #[track_caller]
    fn check(header: ProxyHeader, peer: &str, headers: &[(&'static str, &'static str)], tls: bool) {
        let proxies = proxies("10.0.0.0/8, ::1").header(header);
        let lines = |name: &str| {
            let ours = headers.iter().filter(|header| header.0 == name);
            ours.map(|header| header.1).collect()
        };
        let shown = format!("{peer} with {headers:?}");
        assert_eq!(proxies.is_tls(peer.parse().unwrap(), lines), tls, "{shown}");
    }

    #[test]
    fn the_outermost_trusted_proxy_is_believed() {
        use ProxyHeader::XForwardedProto;
        const FOR: &str = "x-forwarded-for";
        const PROTO: &str = "x-forwarded-proto";
        let check = |peer, headers: &[(&'static str, &'static str)], tls| {
            check(XForwardedProto, peer, headers, tls);
        };
        check("10.0.0.1", &[(PROTO, "https")], true);
        check("10.0.0.1", &[(PROTO, "HTTPS ")], true);
        check("::1", &[(PROTO, "wss")], true);
        check("::ffff:10.0.0.1", &[(PROTO, "https")], true);
        check("10.0.0.1", &[(PROTO, "http")], false);
        check("10.0.0.1", &[(PROTO, "\"https\"")], false);
        check("10.0.0.1", &[(PROTO, "https evil")], false);
        check("10.0.0.1", &[(PROTO, "")], false);
        check("10.0.0.1", &[], false);
        // A visitor who is no proxy.
        check("192.0.2.1", &[(PROTO, "https")], false);
        check("192.0.2.1", &[(PROTO, "https"), (FOR, "10.0.0.1")], false);
        // The visitor sent a header, and the proxy added its own.
        check("10.0.0.1", &[(PROTO, "https, http"), (FOR, "10.0.0.9, 192.0.2.1")], false);
        check("10.0.0.1", &[(PROTO, "https"), (PROTO, "http"), (FOR, "192.0.2.1")], false);
        check("10.0.0.1", &[(PROTO, "https, http")], false);
        check("10.0.0.1", &[(PROTO, "https, http"), (FOR, "rubbish")], false);
        check("10.0.0.1", &[(PROTO, "http, https"), (FOR, "192.0.2.1")], true);
        // TLS ends at the outer of two.
        check("10.0.0.1", &[(PROTO, "https, http"), (FOR, "192.0.2.1, 10.0.0.2")], true);
        check("10.0.0.1", &[(PROTO, "https, http"), (FOR, "192.0.2.1, 10.0.0.2:4711")], true);
        check("10.0.0.1", &[(PROTO, "https, http"), (FOR, "192.0.2.1, [::1]:4711")], true);
        check("10.0.0.1", &[(PROTO, "https, http"), (FOR, "192.0.2.1"), (FOR, "::1")], true);
        check("10.0.0.1", &[(PROTO, "http, https"), (FOR, "192.0.2.1, 10.0.0.2")], false);
        // The inner one passed on what the outer one wrote.
        check("10.0.0.1", &[(PROTO, "https"), (FOR, "192.0.2.1, 10.0.0.2")], true);
        // Who was before the trusted ones is not asked.
        let forged = "10.0.0.9, 192.0.2.1, 10.0.0.2";
        check("10.0.0.1", &[(PROTO, "https, http, http"), (FOR, forged)], false);
        // The other header may be the visitor's.
        check("10.0.0.1", &[("forwarded", "proto=https")], false);
    }

    #[test]
    fn the_header_of_the_standard_is_read_by_its_grammar() {
        let check = |peer, value: &'static str, tls| {
            check(ProxyHeader::Forwarded, peer, &[("forwarded", value)], tls);
        };
        check("10.0.0.1", "proto=https", true);
        check("10.0.0.1", "for=192.0.2.1;proto=https;by=10.0.0.1", true);
        check("10.0.0.1", "For=\"[2001:db8::1]:4711\"; Proto=\"https\"", true);
        check("10.0.0.1", "proto=\"ht\\tps\"", true);
        check("10.0.0.1", "host=\"a, b;proto=http\";proto=https", true);
        check("10.0.0.1", ", , proto=https;,", true);
        check("192.0.2.1", "proto=https", false);
        check("10.0.0.1", "for=192.0.2.1;proto=https, for=10.0.0.2", true);
        check("10.0.0.1", "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http", true);
        check("10.0.0.1", "for=192.0.2.1;proto=https, for=\"[::1]\";proto=http", true);
        check("10.0.0.1", "for=192.0.2.1;proto=https, for=10.0.0.2:80;proto=http", true);
        // A visitor's own words, and then those of the proxy.
        check("10.0.0.1", "for=10.0.0.9;proto=https, for=192.0.2.1;proto=http", false);
        check("10.0.0.1", "proto=https, for=unknown;proto=http", false);
        check("10.0.0.1", "proto=https, for=_hidden;proto=http", false);
        check("10.0.0.1", "proto=https, for=_hidden", false);
        // A quote that is not closed would hide what the proxy adds, or make one of two.
        check("10.0.0.1", "proto=https;x=\", for=192.0.2.1;proto=http", false);
        check("10.0.0.1", "proto=https;x=\", for=\"[2001:db8::1]\";proto=http", false);
        check("10.0.0.1", "proto=https;x=\"\\", false);
        for rubbish in [
            "https",
            "proto",
            "=https",
            "proto=",
            "proto==https",
            "proto=https proto=http",
            "proto=https;proto=https",
            "for=::1;for=::1;proto=https",
            "proto =https",
            "proto=https;\u{e4}=1",
            "proto=https\"",
            "proto=\"https\"x",
        ] {
            check("10.0.0.1", rubbish, false);
        }
        super::tests::check(
            ProxyHeader::Forwarded,
            "10.0.0.1",
            &[("x-forwarded-proto", "https")],
            false,
        );
    }

    #[test]
    fn the_visitor_is_whom_nobody_has_to_trust() {
        for (header, peer, said, visitor) in [
            ("x-forwarded-for", "192.0.2.1", "1.1.1.1", "192.0.2.1"),
            ("x-forwarded-for", "10.0.0.1", "1.1.1.1", "1.1.1.1"),
            ("x-forwarded-for", "10.0.0.1", "1.1.1.1, 2.2.2.2", "2.2.2.2"),
            ("x-forwarded-for", "10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.2", "2.2.2.2"),
            ("x-forwarded-for", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("x-forwarded-for", "10.0.0.1", "1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("x-forwarded-for", "10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"),
            ("x-forwarded-for", "10.0.0.1", "", "10.0.0.1"),
            ("forwarded", "10.0.0.1", "for=1.1.1.1, for=2.2.2.2;proto=http", "2.2.2.2"),
            ("forwarded", "10.0.0.1", "for=1.1.1.1;x=\", for=2.2.2.2", "10.0.0.1"),
            ("forwarded", "192.0.2.1", "for=1.1.1.1", "192.0.2.1"),
        ] {
            let written = match header {
                "forwarded" => ProxyHeader::Forwarded,
                _ => ProxyHeader::XForwardedProto,
            };
            let proxies = proxies("10.0.0.0/8").header(written);
            let lines = |name| if name == header { vec![said] } else { vec!["9.9.9.9"] };
            let found = proxies.visitor(peer.parse().unwrap(), lines);
            assert_eq!(found, visitor.parse::<IpAddr>().unwrap(), "{header}: {said} from {peer}");
        }
    }

    #[test]
    fn an_address_is_known_with_its_port() {
        for (text, known) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:80", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("[2001:db8::1]:", None),
            ("[2001:db8::1]80", None),
            ("[2001:db8::1", None),
            ("[192.0.2.1]", None),
            ("unknown", None),
            ("_secret:80", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(node(text), known.map(|known| known.parse().unwrap()), "{text}");
        }
    }
}
