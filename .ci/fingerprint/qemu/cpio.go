package main

import (
	"bytes"
	"fmt"
)

// archive is an initramfs in the "newc" format of the kernel (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct{ bytes.Buffer }

const (
	modeDir  = 0o040000
	modeFile = 0o100000
)

func (a *archive) add(name string, mode int, content []byte) {
	fmt.Fprintf(a, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0)
	a.WriteString(name)
	a.WriteByte(0)
	a.pad()
	a.Write(content)
	a.pad()
}

func (a *archive) end() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.Bytes()
}

func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}
