package source

import "testing"

func TestAClientIsItsAddressOrItsIPv6Network(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1:1000":           "192.0.2.1",
		"[::ffff:192.0.2.1]:1000":  "192.0.2.1",
		"[2001:db8:0:1:2::3]:1":    "2001:db8:0:1::",
		"[2001:db8:0:1:ffff::4]:2": "2001:db8:0:1::",
		"[2001:db8:0:2::3]:1":      "2001:db8:0:2::",
		"[fe80::1%eth0]:1":         "fe80::",
		"127.0.0.1:9":              "127.0.0.1",
		"[::1]:9":                  "::1",
		"[::ffff:127.0.0.1]:9":     "127.0.0.1",
		"@":                        "invalid IP",
		"":                         "invalid IP",
	} {
		if got := Of(remote).String(); got != want {
			t.Errorf("%q is counted under %s, want %s", remote, got, want)
		}
	}
}
