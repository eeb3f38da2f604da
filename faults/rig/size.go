package rig

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"voted/harness/wire"
	"voted/internal/localcluster"
)

// sizeTime bounds one request for metrics.
const sizeTime = 5 * time.Second

// ResidentKiB returns the anonymous memory of a process (RssAnon), 0 if it is gone.
func ResidentKiB(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "RssAnon:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.Atoi(number)
	return n
}

// Metric returns the value of a gauge or counter of a node. It is one without labels.
func Metric(ctx context.Context, n *localcluster.Node, access wire.Access, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, sizeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	access.Authorize(req)
	var config *tls.Config
	if access.TLS != nil {
		config = access.TLS.Clone()
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("node %s has no metric %s (%s)", n.ID, name, resp.Status)
}

// Goroutines returns how many goroutines a node has, 0 if it does not answer.
func Goroutines(ctx context.Context, n *localcluster.Node, access wire.Access) int {
	f, err := Metric(ctx, n, access, "go_goroutines")
	if err != nil {
		return 0
	}
	return int(f)
}
