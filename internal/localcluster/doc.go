// Package localcluster runs a cluster of real node processes on loopback, or where
// its caller puts them: for the demonstration, for developers, for the load test and
// for the end-to-end tests.
//
// A node is killed, paused and restarted by signals, as on an operator's machine. Its
// ports lie below the range from which the kernel takes the local ports of outgoing
// connections, so that no other process has them when it comes back.
// The processes die with the one that started them (on Linux even if that one is
// killed), and Stop leaves nothing behind.
package localcluster
