//! Object identifiers of certificates and signatures, as their bytes stand in the input.
//!
//! Called by the readers beside it. Must not know what they do with them.

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $bytes:literal, $dotted:literal;)*) => {
        $($(#[$doc])* #[doc = $dotted] pub(crate) const $name: &[u8] = $bytes;)*
        #[cfg(test)]
        const ALL: &[(&[u8], &str)] = &[$(($bytes, $dotted)),*];
    };
}

oids! {
    SIGNED_DATA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", "1.2.840.113549.1.7.2";
    CONTENT_TYPE = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03", "1.2.840.113549.1.9.3";
    MESSAGE_DIGEST = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04", "1.2.840.113549.1.9.4";
    SIGNING_TIME = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05", "1.2.840.113549.1.9.5";
    COUNTER_SIGNATURE = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x06", "1.2.840.113549.1.9.6";

    /// What a signed file's signature covers.
    SPC_INDIRECT_DATA = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04", "1.3.6.1.4.1.311.2.1.4";
    SPC_OPUS_INFO = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0c", "1.3.6.1.4.1.311.2.1.12";
    SPC_NESTED_SIGNATURE = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x04\x01", "1.3.6.1.4.1.311.2.4.1";
    SPC_RFC3161 = b"\x2b\x06\x01\x04\x01\x82\x37\x03\x03\x01", "1.3.6.1.4.1.311.3.3.1";
    /// Certificate trust list: the contents of a catalogue.
    CTL = b"\x2b\x06\x01\x04\x01\x82\x37\x0a\x01", "1.3.6.1.4.1.311.10.1";
    TST_INFO = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04", "1.2.840.113549.1.9.16.1.4";

    SHA1 = b"\x2b\x0e\x03\x02\x1a", "1.3.14.3.2.26";
    SHA256 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "2.16.840.1.101.3.4.2.1";
    SHA384 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "2.16.840.1.101.3.4.2.2";
    SHA512 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "2.16.840.1.101.3.4.2.3";

    RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "1.2.840.113549.1.1.1";
    RSA_SHA1 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "1.2.840.113549.1.1.5";
    /// Older name of the same, from OIW.
    RSA_SHA1_OIW = b"\x2b\x0e\x03\x02\x1d", "1.3.14.3.2.29";
    RSA_PSS = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "1.2.840.113549.1.1.10";
    RSA_SHA256 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "1.2.840.113549.1.1.11";
    RSA_SHA384 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "1.2.840.113549.1.1.12";
    RSA_SHA512 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "1.2.840.113549.1.1.13";
    EC_KEY = b"\x2a\x86\x48\xce\x3d\x02\x01", "1.2.840.10045.2.1";
    ECDSA_SHA256 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "1.2.840.10045.4.3.2";
    ECDSA_SHA384 = b"\x2a\x86\x48\xce\x3d\x04\x03\x03", "1.2.840.10045.4.3.3";
    P256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "1.2.840.10045.3.1.7";
    P384 = b"\x2b\x81\x04\x00\x22", "1.3.132.0.34";

    SUBJECT_KEY_ID = b"\x55\x1d\x0e", "2.5.29.14";
    KEY_USAGE = b"\x55\x1d\x0f", "2.5.29.15";
    BASIC_CONSTRAINTS = b"\x55\x1d\x13", "2.5.29.19";
    NAME_CONSTRAINTS = b"\x55\x1d\x1e", "2.5.29.30";
    AUTHORITY_KEY_ID = b"\x55\x1d\x23", "2.5.29.35";
    EXTENDED_KEY_USAGE = b"\x55\x1d\x25", "2.5.29.37";

    /// Marks of Apple on certificates that sign programs ("TN3127: Inside Code Signing: Requirements").
    APPLE_IPHONE_DEVELOPER = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x02", "1.2.840.113635.100.6.1.2";
    /// What the iPhone's store signs anew.
    APPLE_IPHONE_STORE = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x03", "1.2.840.113635.100.6.1.3";
    APPLE_IPHONE_SUBMISSION = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x04", "1.2.840.113635.100.6.1.4";
    APPLE_MAC_SUBMISSION = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x07", "1.2.840.113635.100.6.1.7";
    /// What the Mac's store signs anew.
    APPLE_MAC_STORE = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x09", "1.2.840.113635.100.6.1.9";
    APPLE_MAC_DEVELOPER = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x0c", "1.2.840.113635.100.6.1.12";
    APPLE_DEVELOPER_ID = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x0d", "1.2.840.113635.100.6.1.13";
    APPLE_TEST_FLIGHT = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x01\x19\x01", "1.2.840.113635.100.6.1.25.1";
    /// Of the authorities that issue these.
    APPLE_DEVELOPER_RELATIONS = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x02\x01", "1.2.840.113635.100.6.2.1";
    APPLE_DEVELOPER_ID_AUTHORITY = b"\x2a\x86\x48\x86\xf7\x63\x64\x06\x02\x06", "1.2.840.113635.100.6.2.6";
}

/// Short names of the parts of a distinguished name (RFC 4514 and what Windows shows).
const NAME_PARTS: &[(&[u8], &str)] = &[
    (b"\x55\x04\x03", "CN"),
    (b"\x55\x04\x04", "SN"),
    (b"\x55\x04\x05", "serialNumber"),
    (b"\x55\x04\x06", "C"),
    (b"\x55\x04\x07", "L"),
    (b"\x55\x04\x08", "ST"),
    (b"\x55\x04\x09", "street"),
    (b"\x55\x04\x0a", "O"),
    (b"\x55\x04\x0b", "OU"),
    (b"\x55\x04\x0c", "title"),
    (b"\x55\x04\x0d", "description"),
    (b"\x55\x04\x0f", "businessCategory"),
    (b"\x55\x04\x11", "postalCode"),
    (b"\x55\x04\x12", "postOfficeBox"),
    (b"\x55\x04\x2a", "GN"),
    (b"\x55\x04\x61", "organizationIdentifier"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "E"),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"),
    (b"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", "jurisdictionL"),
    (b"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", "jurisdictionST"),
    (b"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", "jurisdictionC"),
];

/// The short name of a part of a distinguished name.
pub(crate) fn name_part(oid: &[u8]) -> Option<&'static str> {
    NAME_PARTS.iter().find(|(bytes, _)| *bytes == oid).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::der::dotted;

    #[test]
    fn bytes_are_what_the_dotted_form_says() {
        for (bytes, text) in ALL {
            assert_eq!(dotted(bytes), *text);
        }
        let parts: Vec<_> = NAME_PARTS.iter().map(|(bytes, _)| dotted(bytes)).collect();
        assert!(parts.contains(&"1.3.6.1.4.1.311.60.2.1.3".to_owned()), "{parts:?}");
        assert!(parts.contains(&"0.9.2342.19200300.100.1.25".to_owned()), "{parts:?}");
    }
}
