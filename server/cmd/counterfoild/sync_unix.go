//go:build unix

package main

import (
	"errors"
	"os"
)

// syncDir makes a new name in a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
