// Package sqlstore implements server.Store on SQLite and PostgreSQL, with one SQL text for both.
//
// [Open] takes an address: a file's path, or a postgres:// URL. Migrations are embedded and run at Open, under a lock, so that
// any number of replicas may start at once.
//
// The SQL keeps to what both engines and those who speak PostgreSQL's language share; TestPortableSQL says what that
// is.
package sqlstore
