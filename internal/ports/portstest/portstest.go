// Package portstest gives tests ports of their own.
package portstest

import (
	"testing"

	"voted/internal/ports"
)

// Addrs returns n addresses on loopback, each host:port, that belong to the test while it
// runs. A server may leave one and come back to it.
func Addrs(t testing.TB, n int) []string {
	t.Helper()
	b, err := ports.Claim(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Release)
	return b.Addrs(n)
}

// Addr returns one such address.
func Addr(t testing.TB) string {
	t.Helper()
	return Addrs(t, 1)[0]
}
