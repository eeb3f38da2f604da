package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const scheme = "voted"

// id matches the names of members, roles and clients; in a URI they need no escapes.
var id = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$`)

// ValidMember reports whether a member can have this id.
func ValidMember(s string) bool { return id.MatchString(s) }

var (
	errNoName    = errors.New("the certificate has no name under voted://")
	errManyNames = errors.New("the certificate has several names under voted://; it must have one")
)

// Member returns the id of the member that a certificate names. It does not check
// whether the certificate can be trusted.
func Member(c *x509.Certificate) (string, error) {
	parts, err := nameIn(c)
	switch {
	case err != nil:
		return "", fmt.Errorf("no member: %w; `voted ca issue DIR member ID` makes one that has", err)
	case len(parts) == 2 && parts[0] == "member":
		return parts[1], nil
	}
	return "", fmt.Errorf("no member: the certificate is for a %s; the peer port accepts only voted://member/ID", parts[0])
}

// Client returns the roles, separated by commas, and the name of the client that a
// certificate names. It does not check whether the certificate can be trusted.
func Client(c *x509.Certificate) (roles, name string, err error) {
	parts, err := nameIn(c)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("no client: %w", err)
	case len(parts) == 3 && parts[0] == "client":
		return parts[1], parts[2], nil
	}
	return "", "", fmt.Errorf("no client: the certificate is for a %s", parts[0])
}

// ProofUse is what a proof key is used for; see package proofkey.
type ProofUse string

// The uses of proof keys.
const (
	ProofLog      ProofUse = "log"      // signs heads in the name of the log
	ProofCosigner ProofUse = "cosigner" // signs heads in the name of the member
)

// ProofUses lists them all.
func ProofUses() []ProofUse { return []ProofUse{ProofLog, ProofCosigner} }

// Proof returns the id of the member whose proof key a certificate names, and what that key is
// used for. It does not check whether the certificate can be trusted.
func Proof(c *x509.Certificate) (member string, use ProofUse, err error) {
	parts, err := nameIn(c)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("no proof key: %w; `voted ca issue DIR member ID` makes one that has", err)
	case len(parts) == 3 && parts[0] == "proof":
		return parts[1], ProofUse(parts[2]), nil
	}
	return "", "", fmt.Errorf("no proof key: the certificate is for a %s; that of a proof key is named voted://proof/ID/USE", parts[0])
}

// nameIn returns the parts of the one name in a certificate.
func nameIn(c *x509.Certificate) ([]string, error) {
	var found []string
	for _, u := range c.URIs {
		if u.Scheme != scheme {
			continue
		}
		if found != nil {
			return nil, errManyNames
		}
		parts, err := split(u)
		if err != nil {
			return nil, err
		}
		found = parts
	}
	if found == nil {
		return nil, errNoName
	}
	return found, nil
}

func split(u *url.URL) ([]string, error) {
	wrong := fmt.Errorf("the name %q is not voted://member/ID, voted://client/ROLES/NAME or voted://proof/ID/USE", u.Redacted())
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.RawPath != "" {
		return nil, wrong
	}
	parts := append([]string{u.Host}, strings.Split(strings.TrimPrefix(u.Path, "/"), "/")...)
	switch {
	case u.Host == "member" && len(parts) == 2 && id.MatchString(parts[1]):
		return parts, nil
	case u.Host == "client" && len(parts) == 3 && rolesLike(parts[1]) && id.MatchString(parts[2]):
		return parts, nil
	case u.Host == "proof" && len(parts) == 3 && id.MatchString(parts[1]) && slices.Contains(ProofUses(), ProofUse(parts[2])):
		return parts, nil
	}
	return nil, wrong
}

func rolesLike(s string) bool {
	for role := range strings.SplitSeq(s, ",") {
		if !id.MatchString(role) {
			return false
		}
	}
	return true
}
