package backend

import (
	"context"
	"encoding/json"
	"sync"

	"voted/internal/api"
	"voted/internal/cluster"
)

// RepeatsMethod is the call by which a member is asked how many repetitions of a poll it
// has recognised: the poll's id, answered with api.Repeats in JSON. Builds that do not know
// it refuse it.
const RepeatsMethod = "repeats"

// Elsewhere asks the other members of a node's cluster.
type Elsewhere struct{ Node *cluster.Node }

var _ api.Elsewhere = Elsewhere{}

// Repeats implements api.Elsewhere.
func (e Elsewhere) Repeats(ctx context.Context, poll string) (answers map[string]api.Repeats, others int) {
	answers = map[string]api.Repeats{}
	var mu sync.Mutex // guards answers
	var asked sync.WaitGroup
	for _, m := range e.Node.Members() {
		if m.ID == e.Node.ID() {
			continue
		}
		others++
		asked.Go(func() {
			body, err := e.Node.Ask(ctx, m.ID, RepeatsMethod, []byte(poll))
			if err != nil {
				return
			}
			var a api.Repeats
			if json.Unmarshal(body, &a) != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answers[m.ID] = a
		})
	}
	asked.Wait()
	return answers, others
}
