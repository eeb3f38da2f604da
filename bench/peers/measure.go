package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// figures are what was measured, in the units that the names say.
type figures struct {
	Acknowledged uint64  `json:"acknowledged"`
	InWindow     uint64  `json:"in_window"`
	Refused      uint64  `json:"refused"`
	Unknown      uint64  `json:"unknown"`
	Problem      string  `json:"problem,omitempty"`
	Seconds      float64 `json:"seconds"`
	P50Millis    float64 `json:"p50_ms"`
	P99Millis    float64 `json:"p99_ms"`
}

const (
	// numbersPerClient keeps the keys of the clients apart.
	numbersPerClient = 1_000_000_000
	// graceTime is how long calls under way at the end are waited for.
	graceTime = 15 * time.Second
)

// part is what one client saw.
type part struct {
	figures
	micros []uint32
}

// measure lets every client work in a closed loop until the time is over.
func measure(ctx context.Context, p peer, window time.Duration) figures {
	clients := p.clients()
	parts := make([]part, len(clients))
	end := time.Now().Add(window)
	ctx, cancel := context.WithDeadline(ctx, end.Add(graceTime))
	defer cancel()
	var all sync.WaitGroup
	for i, client := range clients {
		all.Go(func() { parts[i].loop(ctx, client, uint64(i)*numbersPerClient, p.perCall(), end) })
	}
	all.Wait()
	sum := figures{Seconds: window.Seconds()}
	var micros []uint32
	for i := range parts {
		sum.Acknowledged += parts[i].Acknowledged
		sum.InWindow += parts[i].InWindow
		sum.Refused += parts[i].Refused
		sum.Unknown += parts[i].Unknown
		if sum.Problem == "" {
			sum.Problem = parts[i].Problem
		}
		micros = append(micros, parts[i].micros...)
	}
	slices.Sort(micros)
	sum.P50Millis, sum.P99Millis = quantile(micros, 0.50), quantile(micros, 0.99)
	return sum
}

// loop is one client; it stops at the first call without an answer.
func (r *part) loop(ctx context.Context, call func(context.Context, uint64) (uint64, error), number, perCall uint64, end time.Time) {
	for {
		sent := time.Now()
		if !sent.Before(end) {
			return
		}
		n, err := call(ctx, number)
		number += perCall
		if err != nil {
			r.Unknown += perCall
			if r.Problem == "" {
				r.Problem = err.Error()
			}
			return
		}
		now := time.Now()
		r.micros = append(r.micros, uint32(now.Sub(sent).Microseconds()))
		r.Acknowledged += n
		r.Refused += perCall - n
		if now.Before(end) {
			r.InWindow += n
		}
	}
}

// quantile returns a latency in milliseconds out of sorted microseconds.
func quantile(micros []uint32, q float64) float64 {
	if len(micros) == 0 {
		return 0
	}
	return float64(micros[min(int(q*float64(len(micros))), len(micros)-1)]) / 1000
}
