package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"voted/internal/history"
	"voted/internal/survey"
)

// noteStart makes the start the first event: what the cluster's members see of each other comes after it.
func (s *Server) noteStart() {
	s.history.Note(history.Event{Kind: history.Started, Member: s.opts.ID, Text: fmt.Sprintf("%s started, version %s.", s.opts.ID, s.opts.Version)})
}

// keepHistory samples what this node does, until ctx ends.
func (s *Server) keepHistory(ctx context.Context) {
	every := time.NewTicker(history.SampleEvery)
	defer every.Stop()
	for {
		s.history.Sample(s.reading(), time.Now())
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// reading is what this node has done so far. It costs some microseconds, and no ballot waits
// for it.
func (s *Server) reading() (r history.Reading) {
	s.handler.Measure(&r)
	r.Index = s.node.Index()
	r.Commit = s.node.Commits()
	r.Sync = history.DistributionOf(s.disk.took["append"])
	r.Clients = s.listener.clients()
	return r
}

// rates are what the others are told of this node's work.
func (s *Server) rates() survey.Rates {
	r := s.history.Rates()
	told := survey.Rates{Ballots: r.Ballots}
	if r.Cast != nil {
		told.P50, told.P99 = r.Cast.P50, r.Cast.P99
	}
	return told
}

func (s *Server) noteBackup(file string, bytes int64) {
	s.history.Note(history.Event{Kind: history.BackedUp, Member: s.opts.ID, Text: fmt.Sprintf("%s made a backup of %d MiB and checked it: %s.", s.opts.ID, (bytes+1<<20-1)>>20, file)})
}

// answerRepeats tells another member how many repetitions this one has recognised.
func (s *Server) answerRepeats(_ context.Context, poll []byte) ([]byte, error) {
	h := s.counting.Load()
	if h == nil {
		return nil, errors.New("this member has only just started")
	}
	return json.Marshal(h.Repeats(string(poll)))
}
