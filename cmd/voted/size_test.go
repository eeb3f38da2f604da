package main

import "testing"

func TestSizesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"0": 0, "4096": 4096, "1KiB": 1 << 10, "512MiB": 512 << 20, "10 GiB": 10 << 30, "1TiB": 1 << 40} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-1", "MiB", "1MB", "1.5GiB", "1e9", "99999999TiB", "9999999999999999999"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q is read as %d", s, got)
		}
	}
}
