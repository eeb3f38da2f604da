package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcdLinksPerNode is how many connections the clients of one node share: its
// protocol carries many calls on one, and more than a few bring nothing.
const etcdLinksPerNode = 8

// etcd has links to all nodes, the leader's first.
type etcd struct {
	links   []*clientv3.Client
	clientN int
	prefix  string
}

func connectEtcd(ctx context.Context, w work) (peer, error) {
	e := &etcd{clientN: w.connections, prefix: "ballots/" + w.poll + "/"}
	config, err := etcdTLS(w.caFile)
	if err != nil {
		return nil, err
	}
	endpoints, err := leaderFirst(ctx, w.endpoints, config)
	if err != nil {
		return nil, err
	}
	for i := range min(w.connections, etcdLinksPerNode*len(endpoints)) {
		link, err := dialEtcd(endpoints[i%len(endpoints)], config)
		if err == nil {
			e.links = append(e.links, link)
			_, err = link.Get(ctx, e.prefix) // opens the connection
		}
		if err != nil {
			e.close()
			return nil, fmt.Errorf("etcd at %s cannot be reached: %w", endpoints[i%len(endpoints)], err)
		}
	}
	return e, nil
}

// etcdTLS trusts the CA in a file; it is nil if no file is named.
func etcdTLS(caFile string) (*tls.Config, error) {
	if caFile == "" {
		return nil, nil
	}
	certificate, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("the CA's certificate cannot be read: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// dialEtcd makes a client of one endpoint, plain if config is nil.
func dialEtcd(endpoint string, config *tls.Config) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: []string{endpoint}, TLS: config, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
	})
}

// leaderFirst puts the leader's endpoint in front, where a single client connects.
func leaderFirst(ctx context.Context, endpoints []string, config *tls.Config) ([]string, error) {
	first, rest := []string{}, []string{}
	for _, at := range endpoints {
		c, err := dialEtcd(at, config)
		if err != nil {
			return nil, fmt.Errorf("etcd at %s cannot be reached: %w", at, err)
		}
		status, err := c.Status(ctx, at)
		_ = c.Close() // it was for one question
		if err != nil {
			return nil, fmt.Errorf("etcd at %s does not say how it is: %w", at, err)
		}
		if status.Leader == status.Header.MemberId {
			first = append(first, at)
		} else {
			rest = append(rest, at)
		}
	}
	return append(first, rest...), nil
}

func (e *etcd) clients() []func(context.Context, uint64) (uint64, error) {
	calls := make([]func(context.Context, uint64) (uint64, error), e.clientN)
	for i := range calls {
		link := e.links[i%len(e.links)]
		calls[i] = func(ctx context.Context, number uint64) (uint64, error) {
			key := e.prefix + strconv.FormatUint(number, 10)
			resp, err := link.Txn(ctx).
				If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
				Then(clientv3.OpPut(key, "a")).
				Commit()
			if err != nil || !resp.Succeeded {
				return 0, err
			}
			return 1, nil
		}
	}
	return calls
}

func (e *etcd) perCall() uint64 { return 1 }

func (e *etcd) counted(ctx context.Context) (uint64, error) {
	resp, err := e.links[0].Get(ctx, e.prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return 0, err
	}
	return uint64(resp.Count), nil
}

func (e *etcd) close() {
	for _, c := range e.links {
		_ = c.Close() // nothing is under way
	}
}
