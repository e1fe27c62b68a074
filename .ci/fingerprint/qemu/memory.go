package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// pick starts the machine without a system, waits until its firmware has written the tables, and takes them out of its
// memory.
func (m *machine) pick(dir string) (r result) {
	began := time.Now()
	socket, image := filepath.Join(dir, m.name+".sock"), filepath.Join(dir, m.name+".mem")
	cmd := exec.Command("qemu-system-x86_64", append(m.arguments(), "-qmp", "unix:"+socket+",server=on,wait=off")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return result{err: err}
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
		if r.err != nil {
			r.err = fmt.Errorf("%w\n%s", r.err, stderr.Bytes())
		}
	}()
	entry, table, err := pickTables(socket, image)
	if err != nil {
		return result{err: err}
	}
	err = writeDump(filepath.Join(dir, m.name+".bin"), entry, table)
	return result{err: err, took: time.Since(began)}
}

func pickTables(socket, image string) (entry, table []byte, err error) {
	const biosArea, biosSize = 0xF0000, 0x10000
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		area, err := save(socket, image, biosArea, biosSize)
		if err != nil {
			continue // not up yet
		}
		for at := 0; at+32 <= len(area); at += 16 {
			e := area[at : at+31]
			if !bytes.HasPrefix(e, []byte("_SM_")) || sum(e[:e[5]&31]) != 0 || binary.LittleEndian.Uint16(e[22:]) == 0 {
				continue
			}
			address, length := binary.LittleEndian.Uint32(e[24:]), binary.LittleEndian.Uint16(e[22:])
			table, err := save(socket, image, int64(address), int64(length))
			if err == nil && len(table) > 0 && table[0] <= 127 && table[1] >= 4 {
				return e, table, nil
			}
		}
	}
	return nil, nil, errors.New("the firmware has written no tables within a minute")
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// save writes memory to a file by the monitor's pmemsave, and reads it.
func save(socket, image string, address, length int64) ([]byte, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	lines := bufio.NewScanner(conn)
	lines.Scan() // the greeting
	for _, command := range []map[string]any{
		{"execute": "qmp_capabilities"},
		{"execute": "pmemsave", "arguments": map[string]any{"val": address, "size": length, "filename": image}},
	} {
		if err := json.NewEncoder(conn).Encode(command); err != nil {
			return nil, err
		}
		for {
			if !lines.Scan() {
				return nil, errors.New("the monitor hung up")
			}
			var reply struct{ Return, Error, Event any }
			if err := json.Unmarshal(lines.Bytes(), &reply); err != nil {
				return nil, err
			}
			if reply.Error != nil {
				return nil, fmt.Errorf("monitor: %v", reply.Error)
			}
			if reply.Event == nil {
				break
			}
		}
	}
	return os.ReadFile(image)
}
