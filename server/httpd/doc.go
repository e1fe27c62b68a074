// Package httpd puts a server.Desk on the network: protocol v1 as HTTP handlers.
//
// Everything a device acts on is inside signed answers, which the Desk makes. This package reads requests within bounds,
// limits how many come from one address prefix, and gives failures a form: each is a problem document (RFC 9457) and says
// nothing of what was sent. It keeps no log of requests, and no address beyond the minute in which the limits count it, in
// memory.
//
// openapi.json describes the interface; tests hold it and the handlers together.
package httpd
