// Command bareserver is what the comparison measures voted against: the same web
// server and the same router, a handler that decodes the ballot and answers with a
// receipt, and nothing behind it. It keeps no ballots, so it cannot count them
// either; it shows what HTTP alone costs on a machine.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
)

// maxBodyBytes bounds what a request may hold.
const maxBodyBytes = 128 << 10

// headerTimeout ends connections that are opened and then say nothing.
const headerTimeout = 10 * time.Second

type ballot struct {
	Selections []string `json:"selections"`
}

// receipt has the members of a receipt of the service.
type receipt struct {
	Poll    string    `json:"poll"`
	Voter   string    `json:"voter"`
	Outcome string    `json:"outcome"`
	Version uint64    `json:"version"`
	Ballot  uint64    `json:"ballot"`
	Index   uint64    `json:"index"`
	CastAt  time.Time `json:"cast_at"`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) != 1 && len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bareserver HOST:PORT [CERTIFICATE-FILE KEY-FILE]")
		return 2
	}
	server := &http.Server{Addr: args[0], Handler: handler(), ReadHeaderTimeout: headerTimeout}
	serve := server.ListenAndServe
	if len(args) == 3 {
		serve = func() error { return server.ListenAndServeTLS(args[1], args[2]) }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, "bareserver:", err)
		return 1
	}
	return 0
}

func handler() http.Handler {
	var ballots atomic.Uint64
	router := mux.NewRouter()
	router.HandleFunc("/v1/polls/{poll}/ballots/{voter}", func(w http.ResponseWriter, r *http.Request) {
		var b ballot
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
		if err == nil {
			err = json.Unmarshal(body, &b)
		}
		if err != nil || len(b.Selections) == 0 {
			http.Error(w, "no ballot", http.StatusBadRequest)
			return
		}
		n := ballots.Add(1)
		vars := mux.Vars(r)
		answer, err := json.Marshal(receipt{
			Poll: vars["poll"], Voter: vars["voter"], Outcome: "counted", Version: 1, Ballot: n, Index: n, CastAt: time.Now().UTC(),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(answer) // the client has gone: there is no one to answer
	}).Methods(http.MethodPut)
	router.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {}).Methods(http.MethodGet)
	return router
}
