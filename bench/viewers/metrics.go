package viewers

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"

	"voted/internal/localcluster"
)

// metric reads one counter of a node, 0 if it cannot be read.
func metric(ctx context.Context, c *localcluster.Cluster, n *localcluster.Node, name string) uint64 {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/metrics", nil)
	if err != nil {
		return 0
	}
	if token := c.Token(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: c.TLS(), DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, is := strings.CutPrefix(lines.Text(), name+" "); is {
			f, _ := strconv.ParseFloat(value, 64) // 0 where it is no number
			return uint64(f)
		}
	}
	return 0
}
