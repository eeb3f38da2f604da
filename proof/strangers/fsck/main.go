// Fsck checks a published log with Tessera's checker, which shares no code with voted. It is a program of its own
// because that checker panics on some logs that are wrong, and never ends on some others.
//
//	fsck --key VKEY board-2026.log
//	fsck --key VKEY --ca ca.crt --cert reader.crt --cert-key reader.key https://n1.example.org:8080/v1/polls/board-2026/log/
//
// It exits with 0 where the log is whole, and with 1 where it is not or cannot be read.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"

	"voted/proof/strangers"
)

func main() {
	key := flag.String("key", "", "key of the log, as a policy has it after the word log")
	ca := flag.String("ca", "", "certificate of the CA of the nodes")
	cert := flag.String("cert", "", "certificate of the client")
	certKey := flag.String("cert-key", "", "its key")
	limit := flag.Duration("limit", 30*time.Second, "how long the check may take")
	flag.Parse()
	time.AfterFunc(*limit, func() { end("the check has not ended within %s", *limit) })
	log, err := source(flag.Arg(0), *ca, *cert, *certKey)
	if err != nil {
		end("%v", err)
	}
	if err := strangers.Fsck(context.Background(), log, *key); err != nil {
		end("%v", err)
	}
	fmt.Println("the log is whole")
}

func end(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "fsck: "+format+"\n", args...)
	os.Exit(1)
}

// source reads a log from a directory, or from a node.
func source(name, ca, cert, certKey string) (fsck.Fetcher, error) {
	if !strings.HasPrefix(name, "https://") && !strings.HasPrefix(name, "http://") {
		return client.FileFetcher{Root: name}, nil
	}
	at, err := url.Parse(name)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, certKey)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return client.NewHTTPFetcher(at, &http.Client{Transport: &http.Transport{TLSClientConfig: config}})
}
