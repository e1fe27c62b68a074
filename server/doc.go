// Package server holds the rules of a license server: what a vendor sells, who holds it on which device, and what a
// device is told when it asks. It knows nothing of SQL or HTTP.
//
// A [Desk] answers devices; each answer is a signed statement of protocol v1 (docs/protocol.md). A [Vendor] does what the
// vendor does: products, licenses, accounts, seats taken back. Both work on a [Store], which package sqlstore implements on
// SQLite and PostgreSQL, with a [Secret] that the database never holds. Package httpd puts a Desk on the network, and
// cmd/counterfoild wires it all.
//
// The server keeps what the rules need and no more. Fingerprints are kept as HMACs under the Secret, activation codes and tokens as
// SHA-256, passwords as Argon2id; addresses and host names not at all. A check writes nothing but the first use of a
// token. What has ended is forgotten: [Vendor.Purge] says when.
package server
