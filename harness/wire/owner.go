package wire

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
)

// socketInode returns the inode of the socket that dialled a connection which was accepted
// here, and whose ends are remote and local. The dialler must be on the same machine. The
// inode is empty where the system does not list its sockets (not Linux).
func socketInode(remote, local *net.TCPAddr) string {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer f.Close()
	dialler, accepted := fmt.Sprintf(":%04X", remote.Port), fmt.Sprintf(":%04X", local.Port)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], dialler) && strings.HasSuffix(fields[2], accepted) {
			return fields[9]
		}
	}
	return ""
}

// holds reports whether a process has the socket open.
func holds(pid int, inode string) bool {
	if pid == 0 {
		return false
	}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false // the process has just ended
	}
	want := "socket:[" + inode + "]"
	for _, fd := range fds {
		if target, err := os.Readlink(dir + "/" + fd.Name()); err == nil && target == want {
			return true
		}
	}
	return false
}

// CanIdentify reports whether this system shows which process dialled a connection.
// Proxies need that to cut members off from each other.
func CanIdentify() bool {
	_, err := os.Stat("/proc/net/tcp")
	return err == nil
}
