package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"strings"
)

// misdirected is the error of an endpoint that names another kind of port than a node's
// API. Its sentence says which kind. Trying this endpoint again is useless, trying
// another one is not.
type misdirected struct {
	sentence string
	err      error
}

func (m *misdirected) Error() string { return m.sentence }
func (m *misdirected) Unwrap() error { return m.err }

// misdirectedBy returns what the error of a failed try shows about the port; nil if
// nothing.
func misdirectedBy(ep *endpoint, err error) *misdirected {
	var noTLS tls.RecordHeaderError
	alert, alerted := alertOf(err)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &noTLS):
		return &misdirected{fmt.Sprintf("%s speaks HTTP without TLS; name it as %s, or, if it is the peer port of a node, name the node's API address", ep.name, withScheme(ep.name, "http")), err}
	case alerted && (alert == alertCertificateRequired || alert == alertBadCertificate):
		return &misdirected{fmt.Sprintf("%s requires a certificate that this client does not have; if it is the peer port of a node, name the node's API address, and if not, give this client a certificate of its CA", ep.name), err}
	}
	return nil
}

// Alerts of a server that wants a certificate, or another one (RFC 8446, section 6.2).
const (
	alertCertificateRequired tls.AlertError = 116
	alertBadCertificate      tls.AlertError = 42
)

// alertOf returns the alert with which the other side ended a connection. crypto/tls
// returns it as a net.OpError whose cause is the alert's number, of a type that it does
// not export; its AlertError is for QUIC alone.
func alertOf(err error) (tls.AlertError, bool) {
	for {
		var op *net.OpError
		if !errors.As(err, &op) || op.Err == nil {
			return 0, false
		}
		cause := reflect.ValueOf(op.Err)
		if cause.Kind() == reflect.Uint8 && cause.Type().PkgPath() == reflect.TypeFor[tls.AlertError]().PkgPath() {
			return tls.AlertError(cause.Uint()), true
		}
		err = op.Err
	}
}

// misanswered returns what an answer shows about the port; nil if nothing.
func misanswered(ep *endpoint, resp *http.Response, body []byte) *misdirected {
	switch {
	case spokeTLS(resp, body):
		return &misdirected{sentence: fmt.Sprintf("%s speaks TLS; name it as %s, with its CA", ep.name, withScheme(ep.name, "https"))}
	case isPeerPort(resp, body):
		return &misdirected{sentence: ep.name + " is the peer port of a node, which only members use; name the node's API address"}
	}
	return nil
}

// spokeTLS reports whether an answer is net/http's standard one for a request without
// TLS at a TLS port.
func spokeTLS(resp *http.Response, body []byte) bool {
	return resp.StatusCode == http.StatusBadRequest && resp.TLS == nil &&
		strings.HasPrefix(string(body), "Client sent an HTTP request to an HTTPS server")
}

// isPeerPort reports whether an answer is the one that a node gives at its peer port.
func isPeerPort(resp *http.Response, body []byte) bool {
	return resp.StatusCode == http.StatusBadRequest && strings.HasPrefix(string(body), "This is the peer port of a voted node")
}

// withScheme returns an endpoint's name with another scheme.
func withScheme(name, scheme string) string {
	_, rest, _ := strings.Cut(name, "://")
	return scheme + "://" + rest
}

// lost reports whether every endpoint of the client turned out to be another kind of
// port, so that going on is useless.
func (s *series) lost(ep *endpoint, err error) bool {
	var m *misdirected
	if !errors.As(err, &m) {
		return false
	}
	if s.misdirected == nil {
		s.misdirected = map[*endpoint]bool{}
	}
	s.misdirected[ep] = true
	return len(s.misdirected) == len(s.client.Endpoints())
}
