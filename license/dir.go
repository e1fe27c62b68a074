package license

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// stateDir is where a user's programs keep their state on this system.
func stateDir() (string, error) {
	const unset = "is empty and there is no default; set Config.Dir, or "
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); filepath.IsAbs(dir) {
			return dir, nil
		}
		return "", errors.New(unset + "the environment variable LocalAppData")
	case "darwin", "ios":
		if home := os.Getenv("HOME"); filepath.IsAbs(home) {
			return filepath.Join(home, "Library", "Application Support"), nil
		}
	default:
		// XDG Base Directory Specification 0.8: a relative path is to be ignored.
		if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
			return dir, nil
		}
		if home := os.Getenv("HOME"); filepath.IsAbs(home) {
			return filepath.Join(home, ".local", "state"), nil
		}
	}
	return "", errors.New(unset + "the environment variable HOME")
}
