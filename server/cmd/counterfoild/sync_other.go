//go:build !unix

package main

// syncDir does nothing: elsewhere folders cannot be synced, and names are durable with the file.
func syncDir(string) error { return nil }
