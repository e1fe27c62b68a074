// Package testdata holds the vectors of protocol version 1: what a client or server must read, make, accept and refuse,
// as JSON that any language can read, each with its expected outcome by name. README.md beside it tells the formats.
//
// The vectors are part of the contract in docs/protocol.md. Only tests import this package.
package testdata

import (
	"embed"
	"io/fs"
)

//go:embed */*
var files embed.FS

// Files are the vectors, by path such as "lease/statements.json".
func Files() fs.FS { return files }
