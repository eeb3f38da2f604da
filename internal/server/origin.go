package server

import (
	"fmt"
	"net/url"
	"strings"
)

// CheckOrigin refuses a string that no browser would send as the origin of a page.
func CheckOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return fmt.Errorf("%q is no origin; write scheme and host, such as https://vote.example.org, one for each place that serves pages", s)
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	for i := range len(host) {
		if host[i] <= ' ' || host[i] >= 0x7f {
			return fmt.Errorf("%q is no origin; write the host as browsers do, in ASCII (xn--…)", s)
		}
	}
	if exact := u.Scheme + "://" + host; s != exact {
		return fmt.Errorf("%q is no origin as browsers send it; write %s", s, exact)
	}
	return nil
}
