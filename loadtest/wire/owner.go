package wire

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
)

// socketInode finds the socket whose local end is remote and whose other end is
// local, as seen from here: the dialling side of an accepted connection, which is
// on the same machine. It is empty where the system does not tell (not Linux).
func socketInode(remote, local *net.TCPAddr) string {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer f.Close()
	mine, other := fmt.Sprintf(":%04X", remote.Port), fmt.Sprintf(":%04X", local.Port)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], mine) && strings.HasSuffix(fields[2], other) {
			return fields[9]
		}
	}
	return ""
}

// holds tells whether a process has the socket open.
func holds(pid int, inode string) bool {
	if pid == 0 {
		return false
	}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false // it has just ended
	}
	want := "socket:[" + inode + "]"
	for _, fd := range fds {
		if target, err := os.Readlink(dir + "/" + fd.Name()); err == nil && target == want {
			return true
		}
	}
	return false
}

// CanIdentify tells whether this system says which process dialled a connection,
// without which members cannot be cut off from each other.
func CanIdentify() bool {
	_, err := os.Stat("/proc/net/tcp")
	return err == nil
}
