package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/livefile"
)

// How keys are fetched from an issuer.
const (
	// fetchTimeout bounds one fetch. Requests wait for the first one only.
	fetchTimeout = 5 * time.Second
	// refreshAfter is how old keys may be before they are fetched again. A withdrawn
	// key is accepted for up to this time.
	refreshAfter = 5 * time.Minute
	// staleLimit is how long keys are used while their issuer cannot be reached.
	staleLimit = 24 * time.Hour
	// fetchPause is the shortest time between two fetches: tokens with made-up key ids
	// must not cause requests to the issuer.
	fetchPause = 10 * time.Second
	// maxDocumentBytes bounds a JWKS or discovery document.
	maxDocumentBytes = 256 << 10
)

// keyURL is keys behind a URL.
type keyURL struct {
	address  string // of the JWKS or, with discover, of the issuer
	discover bool
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time

	mu      sync.Mutex
	keys    keySet        // guarded by mu; nil before the first fetch has succeeded
	fetched time.Time     // guarded by mu: when keys were fetched
	tried   time.Time     // guarded by mu: when the last fetch began
	failing time.Time     // guarded by mu: since when fetches fail; zero: the last one did not
	changed uint64        // guarded by mu: how often keys were fetched
	pending chan struct{} // guarded by mu: closed when the fetch under way ends; nil: none
}

// FetchJWTs accepts JWTs for an audience, signed with the keys at a URL. The URL is
// that of a JWKS or, with discover, of an OpenID Connect issuer, which is then the
// issuer that tokens must name. Keys are fetched when the first token arrives. A nil
// client means one that follows no redirects.
func FetchJWTs(w *livefile.Watch, client *http.Client, address string, discover bool, audience, issuer string) (*JWTs, error) {
	if err := checkKeyURL(address); err != nil {
		return nil, err
	}
	if client == nil {
		client = &http.Client{
			Timeout:       fetchTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if discover && issuer == "" {
		issuer = address
	}
	k := &keyURL{address: address, discover: discover, client: client, log: w.Log(), now: time.Now}
	w.Add(k)
	return &JWTs{keys: k, audience: audience, issuer: issuer}, nil
}

// checkKeyURL requires https, since anyone who could change the keys could vote as any
// voter. http is allowed for loopback.
func checkKeyURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q is not the URL of keys or of an issuer, such as https://id.example.org", address)
	}
	if u.Scheme == "https" {
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("the keys at %s must be fetched with https: someone who could change them on the way could vote as any voter", address)
}

// key implements keyring.
func (k *keyURL) key(ctx context.Context, id string) (signingKey, bool, error) {
	keys, pending := k.current(id)
	if pending != nil {
		select {
		case <-pending:
		case <-ctx.Done():
			return signingKey{}, false, ctx.Err()
		}
		keys, _ = k.current("")
	}
	if keys == nil {
		return signingKey{}, false, errors.New("no keys")
	}
	found, ok := keys.find(id)
	return found, ok, nil
}

// current returns the keys. If they lack id and a fetch may bring it, it also returns
// what to wait for. It starts a fetch if one is due.
func (k *keyURL) current(id string) (keySet, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	keys := k.keys
	if keys != nil && now.Sub(k.fetched) > staleLimit {
		keys = nil
	}
	_, known := keys.find(id)
	wanted := keys == nil || !known && id != ""
	due := wanted || now.Sub(k.fetched) > refreshAfter
	if due && k.pending == nil && (k.tried.IsZero() || now.Sub(k.tried) > fetchPause) {
		k.tried, k.pending = now, make(chan struct{})
		go k.fetch(k.pending) // ends within two fetchTimeouts
	}
	if !wanted || k.pending == nil {
		return keys, nil
	}
	return keys, k.pending
}

func (k *keyURL) fetch(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*fetchTimeout)
	defer cancel()
	keys, err := k.load(ctx)
	if err != nil {
		k.log.Warn("the keys of JWTs cannot be fetched; the known ones are used for one more day", "url", k.address, "error", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		k.keys, k.fetched, k.failing = keys, k.now(), time.Time{}
		k.changed++
	case k.failing.IsZero():
		k.failing = k.now()
	}
	k.pending = nil
	close(done)
}

func (k *keyURL) changes() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// Paths implements livefile.Source.
func (k *keyURL) Paths() []string { return []string{k.address} }

// Fault implements livefile.Source. It fetches nothing; only tokens cause fetches.
func (k *keyURL) Fault() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failing
}

func (k *keyURL) load(ctx context.Context) (keySet, error) {
	address := k.address
	if k.discover {
		// OpenID Connect Discovery 1.0, section 4.
		b, err := k.get(ctx, strings.TrimSuffix(address, "/")+"/.well-known/openid-configuration")
		if err != nil {
			return nil, err
		}
		var doc struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			return nil, fmt.Errorf("the issuer's configuration cannot be read: %w", err)
		}
		if doc.Issuer != k.address {
			return nil, fmt.Errorf("the issuer's own name is %q; use exactly this name", doc.Issuer)
		}
		if err := checkKeyURL(doc.Keys); err != nil {
			return nil, err
		}
		address = doc.Keys
	}
	b, err := k.get(ctx, address)
	if err != nil {
		return nil, err
	}
	return parseKeySet(b)
}

func (k *keyURL) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", address, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocumentBytes+1))
	if err == nil && len(b) > maxDocumentBytes {
		err = fmt.Errorf("GET %s: the document is larger than %d bytes", address, maxDocumentBytes)
	}
	return b, err
}
