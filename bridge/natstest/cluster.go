package natstest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"voted/internal/ports"
)

// Cluster is servers that keep replicas of streams together. One goroutine uses it.
type Cluster struct{ Servers []*Server }

// StartCluster starts a cluster for a test, which stops it at its end.
func StartCluster(t testing.TB, size int) *Cluster {
	t.Helper()
	block, err := ports.Claim(2 * size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(block.Release)
	var routes []*url.URL
	for i := range size {
		routes = append(routes, &url.URL{Scheme: "nats", Host: block.Addr(size + i)})
	}
	c := &Cluster{}
	for i := range size {
		c.Servers = append(c.Servers, Start(t, func(o *server.Options) {
			o.ServerName, o.Port, o.Routes = fmt.Sprint("s", i+1), block.First+i, routes
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: block.First + size + i}
		}))
	}
	return c
}

// URL is where the servers listen.
func (c *Cluster) URL() string {
	var all []string
	for _, s := range c.Servers {
		all = append(all, s.URL())
	}
	return strings.Join(all, ",")
}

// Leader returns the server that leads a stream, nil if none does.
func (c *Cluster) Leader(stream string) *Server {
	for _, s := range c.Servers {
		if s.running != nil && s.running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return s
		}
	}
	return nil
}
