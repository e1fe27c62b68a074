package statefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// keepsModes says that permission bits mean something here.
const keepsModes = false

// How long a file is tried again that another process (a reader, a virus scanner) holds open. Opening fails for
// moments only, while the file is being replaced; after that, access denied means it.
const (
	openFor   = 200 * time.Millisecond
	renameFor = 2 * time.Second
)

// open shares the file with whoever wants to replace it, as os.Open does not but os.Root does.
func open(path string) (file *os.File, err error) {
	err = whileBusy(openFor, func() error {
		root, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return err
		}
		defer root.Close()
		file, err = root.Open(filepath.Base(path))
		return err
	})
	return file, err
}

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// tryLock takes the lock, which belongs to the open file, or reports that another holds it.
func tryLock(file *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	switch err {
	case nil:
		return true, nil
	case windows.ERROR_LOCK_VIOLATION, windows.ERROR_IO_PENDING:
		return false, nil
	case windows.ERROR_INVALID_FUNCTION, windows.ERROR_NOT_SUPPORTED:
		return true, nil // a file system without locks
	}
	return false, err
}

// ownerOf names the owner by its SID, and says whether a file of that owner is ours. Names are not looked up: that may
// ask a domain controller. A volume without owners (FAT) reports Everyone, or nothing; there, whoever can open the file
// may have it.
func ownerOf(path string, _ fs.FileInfo) (owner string, ours bool) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return "", true
	}
	sid, _, err := sd.Owner()
	if err != nil || sid == nil {
		return "", true
	}
	for _, trusted := range []windows.WELL_KNOWN_SID_TYPE{
		windows.WinBuiltinAdministratorsSid, windows.WinLocalSystemSid, windows.WinWorldSid,
	} {
		if sid.IsWellKnown(trusted) {
			return sid.String(), true
		}
	}
	me, err := windows.GetCurrentProcessToken().GetTokenUser()
	return sid.String(), err != nil || me.User.Sid.Equals(sid)
}

func inodeOf(fs.FileInfo) uint64 { return 0 }

// rename replaces an existing file in one step. MoveFileEx returns when the move is on disk, but gives up while anybody
// has the old file open; then os.Root, which renames with POSIX semantics, gets by those who share it.
func rename(from, to string) error {
	from16, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	to16, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	return whileBusy(renameFor, func() error {
		err := windows.MoveFileEx(from16, to16, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
		if !busy(err) {
			return err
		}
		root, err := os.OpenRoot(filepath.Dir(to))
		if err != nil {
			return err
		}
		defer root.Close()
		return root.Rename(filepath.Base(from), filepath.Base(to))
	})
}

// busy reports whether err may be for the moment only.
func busy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// whileBusy repeats try while others are in the way, for limit at most.
func whileBusy(limit time.Duration, try func() error) error {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if err := try(); !busy(err) || time.Since(start) > limit {
			return err
		}
	}
}

// syncDir has nothing to do: the move was written through.
func syncDir(string) error { return nil }

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }
