package hooks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// receivers are endpoints on addresses of loopback, each of them a host of its own, under TLS.
type receivers struct {
	port    int
	ended   chan struct{} // closed when those that hang answer after all
	servers []*http.Server
	serving sync.WaitGroup

	mu       sync.Mutex
	hanging  bool        // those that hang do; guarded by mu
	came     [][]arrival // of each that is well; guarded by mu
	last     []uint64    // the newest event that each has had; guarded by mu
	repeated int         // events that came again; guarded by mu
	wrong    int         // events that came after a later one; guarded by mu
	calls    int         // of those that hang; guarded by mu
}

type arrival struct {
	event uint64
	poll  string
	at    time.Time
}

// host is the address of a receiver.
func host(n int) string { return fmt.Sprintf("127.0.%d.%d", 16+n/250, 1+n%250) }

func (r *receivers) url(n int) string {
	return "https://" + net.JoinHostPort(host(n), strconv.Itoa(r.port)) + "/hooks"
}

// listen starts receivers, of which the first healthy ones are well. The file gets the
// certificate that nodes must trust.
func listen(all, healthy int, file string) (*receivers, error) {
	certificate, err := makeCertificate(all, file)
	if err != nil {
		return nil, err
	}
	r := &receivers{ended: make(chan struct{}), came: make([][]arrival, healthy), last: make([]uint64, healthy)}
	for n := range all {
		l, err := net.Listen("tcp", net.JoinHostPort(host(n), strconv.Itoa(r.port)))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("receiver %d cannot listen: %w", n, err), r.close())
		}
		r.port = l.Addr().(*net.TCPAddr).Port // the first one chooses, and the others are on other addresses
		s := &http.Server{
			Handler:           http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.serve(n, w, q) }),
			TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
			ReadHeaderTimeout: startTimeout,
		}
		r.servers = append(r.servers, s)
		r.serving.Go(func() { _ = s.ServeTLS(l, "", "") }) // until it is closed
	}
	return r, nil
}

// close ends all receivers.
func (r *receivers) close() error {
	close(r.ended)
	var errs []error
	for _, s := range r.servers {
		errs = append(errs, s.Close())
	}
	r.serving.Wait()
	return errors.Join(errs...)
}

// hang lets those that are to hang do so: first all have to answer a ping.
func (r *receivers) hang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hanging = true
}

func (r *receivers) serve(n int, w http.ResponseWriter, q *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 64<<10))
	if err != nil || q.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	var event struct{ Sequence, Subject string }
	if err := json.Unmarshal(body, &event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.took(n, event.Sequence, event.Subject, at) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	select {
	case <-r.ended:
	case <-q.Context().Done():
	}
}

// took notes a delivery. It reports false where the receiver hangs.
func (r *receivers) took(n int, sequence, subject string, at time.Time) bool {
	number, err := strconv.ParseUint(sequence, 10, 64)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil: // a ping has none
		return true
	case n >= len(r.came):
		r.calls++
		return !r.hanging
	case slices.ContainsFunc(r.came[n], func(a arrival) bool { return a.event == number }):
		r.repeated++
	case number < r.last[n]:
		r.wrong++
	default:
		r.last[n] = number
		r.came[n] = append(r.came[n], arrival{number, subject, at})
	}
	return true
}

// await waits until each receiver that is well has had so many events.
func (r *receivers) await(ctx context.Context, events int) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		r.mu.Lock()
		missing := 0
		for _, came := range r.came {
			missing += max(0, events-len(came))
		}
		r.mu.Unlock()
		if missing == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%d deliveries are missing: %w", missing, ctx.Err())
		}
	}
}

// makeCertificate makes a certificate of all receivers, and writes it to a file.
func makeCertificate(all int, file string) (c tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "receivers"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	for n := range all {
		about.IPAddresses = append(about.IPAddresses, net.ParseIP(host(n)))
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return c, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, os.WriteFile(file, text, 0o600)
}
