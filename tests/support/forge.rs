//! Certificates and signatures of the tests' own making, by openssl and osslsigncode.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::berkeley::hex;

/// A folder with the keys of one test.
pub struct Forge {
    folder: tempfile::TempDir,
}

/// One certificate of a forge: names files in its folder.
#[derive(Clone, Copy)]
pub struct Cert<'a> {
    /// Stem of its files.
    pub file: &'a str,
    /// As openssl takes it: "/CN=AO Kaspersky Lab/O=AO Kaspersky Lab/C=RU".
    pub subject: &'a str,
    /// Stem of who issues it; itself: self-signed.
    pub issuer: &'a str,
    /// Extensions in openssl's configuration language, one a line.
    pub extensions: &'a str,
    /// Arguments of `openssl genpkey`.
    pub key: &'a [&'a str],
    /// More arguments of `openssl x509`, as the hash.
    pub sign: &'a [&'a str],
}

/// A key that is quick to make.
pub const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
/// A key as most signers have.
pub const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
/// What an authority says of itself.
pub const AUTHORITY: &str =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash";
/// What a signer of code says of itself.
pub const SIGNER: &str = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n\
    subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid";

/// What a time-stamping service says of itself.
pub const CLOCK: &str = "basicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping";
/// How the time-stamping service answers, in openssl's configuration language.
const STAMPS: &str = "[tsa]\ndefault_tsa=one\n[one]\nserial=tsa.serial\ndefault_policy=1.2.3.4\n\
    digests=sha1,sha256,sha384,sha512\nsigner_digest=sha256\n";

impl Forge {
    /// `None`, with the reason said, without the tools.
    pub fn open() -> Option<Self> {
        for tool in ["openssl", "osslsigncode"] {
            if !super::has(tool) {
                super::skip(&format!("no {tool}"));
                return None;
            }
        }
        Some(Self { folder: tempfile::tempdir().unwrap() })
    }

    /// One with a root `ca` and a signer `signer` of that name, issued by it.
    pub fn with_signer(subject: &str) -> Option<Self> {
        let forge = Self::open()?;
        forge.make(&Cert { subject: "/CN=A root of the tests/O=Tests", ..Cert::root("ca") });
        forge.make(&Cert { subject, key: RSA, ..Cert::signer("signer", "ca") });
        Some(forge)
    }

    /// A file in the folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a tool there that must succeed.
    pub fn run(&self, tool: &str, args: &[&str]) {
        run(self.folder.path(), tool, args);
    }

    /// Makes a key and its certificate; returns the certificate as DER.
    pub fn make(&self, cert: &Cert<'_>) -> Vec<u8> {
        let file = |kind: &str| format!("{}.{kind}", cert.file);
        let (key, request, pem) = (file("key"), file("csr"), file("pem"));
        self.run("openssl", &[&["genpkey", "-out", &key], cert.key].concat());
        let request_args = ["req", "-new", "-utf8", "-key", &key, "-subj", cert.subject, "-out", &request];
        self.run("openssl", &request_args);
        fs::write(self.at(&file("ext")), cert.extensions).unwrap();
        let extensions = file("ext");
        let (issuer, issuer_key) = (format!("{}.pem", cert.issuer), format!("{}.key", cert.issuer));
        let mut args =
            vec!["x509", "-req", "-days", "3650", "-in", &request, "-out", &pem, "-extfile", &extensions];
        if cert.issuer == cert.file {
            args.extend(["-signkey", &key]);
        } else {
            args.extend(["-CA", &issuer, "-CAkey", &issuer_key, "-CAcreateserial"]);
        }
        args.extend(cert.sign);
        self.run("openssl", &args);
        self.der(cert.file)
    }

    /// A certificate that was made.
    pub fn der(&self, file: &str) -> Vec<u8> {
        let der = format!("{file}.der");
        self.run("openssl", &["x509", "-in", &format!("{file}.pem"), "-outform", "DER", "-out", &der]);
        fs::read(self.at(&der)).unwrap()
    }

    /// A catalogue that lists one SHA-256, signed as `signer`.
    ///
    /// openssl signs the bytes inside the list, as PKCS #7 has it (RFC 2315 section 9.3), but writes them as the OCTET
    /// STRING of a CMS: that one tag is what tells the two apart.
    pub fn catalog(&self, digest: &[u8]) -> Vec<u8> {
        fs::write(self.at("list.conf"), CATALOG.replace("@DIGEST@", &hex(digest))).unwrap();
        self.run("openssl", &["asn1parse", "-genconf", "list.conf", "-out", "list.der", "-noout"]);
        let list = fs::read(self.at("list.der")).unwrap();
        let header = if list[1] < 0x80 { 2 } else { 2 + usize::from(list[1] & 0x7F) };
        let contents = &list[header..];
        fs::write(self.at("list"), contents).unwrap();
        let sign = "cms -sign -in list -binary -nodetach -outform DER -out list.cat -signer signer.pem -inkey signer.key \
            -econtent_type 1.3.6.1.4.1.311.10.1 -md sha256";
        self.run("openssl", &sign.split_whitespace().collect::<Vec<_>>());
        let mut signed = fs::read(self.at("list.cat")).unwrap();
        let start = signed.windows(contents.len()).position(|bytes| bytes == contents).unwrap() - header;
        assert_eq!(std::mem::replace(&mut signed[start], 0x30), 0x04);
        signed
    }

    /// Signs a file as `signer`, with more arguments of `osslsigncode sign`.
    pub fn sign(&self, bytes: &[u8], args: &[&str]) -> Vec<u8> {
        self.sign_as("signer", bytes, args)
    }

    /// Signs a file as `signer` and has the time certified by the service `tsa`, which is asked over HTTP.
    pub fn sign_stamped(&self, bytes: &[u8], args: &[&str]) -> Vec<u8> {
        fs::write(self.at("tsa.conf"), STAMPS).unwrap();
        fs::write(self.at("tsa.serial"), "01").unwrap();
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", service.local_addr().unwrap());
        let folder = self.folder.path().to_owned();
        thread::spawn(move || stamp(&folder, &service.accept().unwrap().0));
        self.sign(bytes, &[args, &["-ts", &url]].concat())
    }

    /// Signs a file as whoever it is.
    pub fn sign_as(&self, signer: &str, bytes: &[u8], args: &[&str]) -> Vec<u8> {
        let (input, output) = (self.at("in.exe"), self.at("out.exe"));
        fs::write(&input, bytes).unwrap();
        remove(&output);
        let (pem, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let fixed = ["sign", "-certs", &pem, "-key", &key, "-in", "in.exe", "-out", "out.exe"];
        self.run("osslsigncode", &[&fixed, args].concat());
        fs::read(&output).unwrap()
    }
}

/// Runs a tool in a folder, where it must succeed.
fn run(folder: &Path, tool: &str, args: &[&str]) {
    let out = Command::new(tool).args(args).current_dir(folder).output().unwrap();
    assert!(
        out.status.success(),
        "{tool} {args:?}: {}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

/// Answers one request for a time stamp (RFC 3161 section 3.4).
fn stamp(folder: &Path, mut client: &TcpStream) {
    let mut reader = BufReader::new(client);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query).unwrap();
    fs::write(folder.join("query"), query).unwrap();
    let reply = "ts -reply -config tsa.conf -queryfile query -signer tsa.pem -inkey tsa.key -out reply";
    run(folder, "openssl", &reply.split_whitespace().collect::<Vec<_>>());
    let reply = fs::read(folder.join("reply")).unwrap();
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\r\n",
        reply.len()
    );
    client.write_all(&[head.as_bytes(), &reply].concat()).unwrap();
}

/// osslsigncode does not write over a file.
fn remove(path: &Path) {
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

impl<'a> Cert<'a> {
    /// A self-signed authority.
    pub fn root(file: &'a str) -> Self {
        Self {
            file,
            subject: "/CN=A root",
            issuer: file,
            extensions: AUTHORITY,
            key: P256,
            sign: &["-sha256"],
        }
    }

    /// A signer of code.
    pub fn signer(file: &'a str, issuer: &'a str) -> Self {
        let sign = &["-sha256"];
        Self { file, subject: "/CN=A signer", issuer, extensions: SIGNER, key: P256, sign }
    }
}

/// The list of a catalogue of one member, for `openssl asn1parse -genconf`.
const CATALOG: &str = "asn1=SEQUENCE:list
[list]
usage=SEQUENCE:usage
id=FORMAT:HEX,OCTETSTRING:00112233445566778899aabbccddeeff
time=UTCTIME:200101000000Z
algorithm=SEQUENCE:algorithm
members=SEQUENCE:members
[usage]
id=OID:1.3.6.1.4.1.311.12.1.1
[algorithm]
id=OID:1.3.6.1.4.1.311.12.1.3
null=NULL
[members]
one=SEQUENCE:member
[member]
id=FORMAT:HEX,OCTETSTRING:@DIGEST@
attributes=SET:attributes
[attributes]
data=SEQUENCE:attribute
[attribute]
id=OID:1.3.6.1.4.1.311.2.1.4
values=SET:values
[values]
data=SEQUENCE:indirect
[indirect]
what=SEQUENCE:what
digest=SEQUENCE:digest
[what]
id=OID:1.3.6.1.4.1.311.2.1.15
[digest]
algorithm=SEQUENCE:sha256
digest=FORMAT:HEX,OCTETSTRING:@DIGEST@
[sha256]
id=OID:2.16.840.1.101.3.4.2.1
null=NULL
";
