package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// scheduleBody is a command and its time, as clients write them.
type scheduleBody struct {
	At instant `json:"at"`
	Do doBody  `json:"do"`
}

// doBody is one command: exactly one of its fields is there.
type doBody struct {
	Create *definitionBody `json:"create"`
	Patch  *scheduledPatch `json:"patch"`
	Close  *scheduledPoll  `json:"close"`
	Delete *scheduledPoll  `json:"delete"`
	Lot    *scheduledLot   `json:"lot"`
}

type scheduledPatch struct {
	Poll string `json:"poll"`
	patchBody
}

type scheduledPoll struct {
	Poll string `json:"poll"`
}

type scheduledLot struct {
	Poll string `json:"poll"`
	Seed string `json:"seed"`
}

// putSchedule serves PUT of a schedule.
func (h *Handler) putSchedule(w *response, r *http.Request) error {
	id, err := scheduleID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	var body scheduleBody
	if err := readJSON(w, r, maxDefinitionBytes, &body, mediaJSON); err != nil {
		return err
	}
	c, err := h.scheduled(id, &body)
	if err != nil {
		return err
	}
	noteTask(r, poll.Task{Schedule: c})
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	result, err := h.execute(ctx, w, c)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if result.Replayed {
		status = http.StatusOK
		w.Header()["Idempotent-Replayed"] = yes
	}
	return h.sendTask(w, id, status)
}

// scheduled makes the command of a body. Its fingerprint is of what the body says, without
// what is drawn here, so that the same body again is the same command.
func (h *Handler) scheduled(id string, body *scheduleBody) (c poll.Schedule, err error) {
	c = poll.Schedule{ID: id, At: int64(body.At)}
	if c.At == 0 {
		return c, misplaced("/at", timeForm)
	}
	do, about, said, err := h.doOf(id, &body.Do)
	if err != nil {
		return c, err
	}
	if !poll.ValidID(about) {
		return c, misplaced("/do", "It names the id of a poll.")
	}
	c.Do, c.Fingerprint = do, poll.ScheduleFingerprint(c.At, append([]byte(poll.Action(do)+"\x00"+about+"\x00"), said...))
	return c, nil
}

// doOf returns the command in a body, its poll, and what else it says.
func (h *Handler) doOf(id string, do *doBody) (c poll.Command, about string, said []byte, err error) {
	given := 0
	for _, there := range []bool{do.Create != nil, do.Patch != nil, do.Close != nil, do.Delete != nil, do.Lot != nil} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, "", nil, misplaced("/do", "It has one of create, patch, close, delete and lot.")
	case do.Create != nil:
		create := poll.Create{}
		if create.Definition, err = do.Create.definition(do.Create.ID); err == nil {
			_, err = io.ReadFull(h.rand, create.Salt[:])
		}
		return create, do.Create.ID, create.Definition.AppendCanonical(nil), err
	case do.Patch != nil:
		patch := poll.Patch{Poll: do.Patch.Poll}
		if err = do.Patch.into(&patch); err == nil {
			err = h.nameRequest(&patch, "\x00schedule", id) // no client has such a name
		}
		return patch, do.Patch.Poll, patch.Fingerprint[:], err
	case do.Close != nil:
		return poll.Close{Poll: do.Close.Poll}, do.Close.Poll, nil, nil
	case do.Delete != nil:
		return poll.Delete{Poll: do.Delete.Poll}, do.Delete.Poll, nil, nil
	}
	if do.Lot.Seed == "" || len(do.Lot.Seed) > poll.MaxSeedBytes || !utf8.ValidString(do.Lot.Seed) {
		return nil, "", nil, misplaced("/do/lot/seed", "A seed has 1 to 1,024 bytes.")
	}
	return poll.DrawLot{Poll: do.Lot.Poll, Seed: do.Lot.Seed}, do.Lot.Poll, []byte(do.Lot.Seed), nil
}

// scheduleID returns the id in the path.
func scheduleID(r *http.Request) (string, error) {
	id, err := url.PathUnescape(pathVar(r, "id"))
	if err != nil || !poll.ValidID(id) {
		return "", refusal.New(refusal.ScheduleNotFound, "No schedule can have the id in this path; ids are letters, digits, '.', '_', '~' and '-', up to 64.")
	}
	return id, nil
}

// scheduleJSON is a scheduled command as clients see it.
type scheduleJSON struct {
	ID        string       `json:"id"`
	Action    string       `json:"action"`
	Poll      string       `json:"poll"`
	At        string       `json:"at"`
	State     string       `json:"state"`
	CreatedAt string       `json:"created_at"`
	EndedAt   string       `json:"ended_at,omitempty"`
	Index     uint64       `json:"index,omitzero"`   // at which it was carried out
	Problem   *problemOnce `json:"problem,omitzero"` // why it was refused
}

// problemOnce is what a request that was refused then would have been answered.
type problemOnce struct {
	Code   string       `json:"code"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Errors []fieldFault `json:"errors,omitempty"`
}

func scheduleOf(k *poll.Task) scheduleJSON {
	shown := scheduleJSON{
		ID: k.ID, Action: k.Action(), Poll: k.Poll(), At: string(appendTime(nil, k.At)), State: k.State.String(),
		CreatedAt: string(appendTime(nil, k.CreatedAt)), EndedAt: timeText(k.EndedAt), Index: k.Result.Index,
	}
	if e := k.Result.Err; e != nil {
		kind := problemKinds[e.Code]
		shown.Problem = &problemOnce{Code: e.Code.String(), Title: kind.title, Status: kind.status, Detail: sentence(e)}
		for _, f := range e.Fields {
			shown.Problem.Errors = append(shown.Problem.Errors, fieldFault{f.Field, f.Detail})
		}
	}
	return shown
}

// sendTask shows a scheduled command as this node has it.
func (h *Handler) sendTask(w *response, id string, status int) error {
	var k poll.Task
	var missing *refusal.Error
	h.cluster.Read(func(s *poll.State) {
		k, missing = s.Task(id)
		w.index = s.Index()
	})
	if missing != nil {
		return missing
	}
	return h.sendJSON(w, status, scheduleOf(&k))
}

func (h *Handler) sendJSON(w *response, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header()["Cache-Control"] = noStore
	w.send(status, typeJSON, append(body, '\n'))
	return nil
}

// getSchedule serves GET of one scheduled command.
func (h *Handler) getSchedule(w *response, r *http.Request) error {
	id, err := scheduleID(r)
	if err != nil {
		return err
	}
	return h.afterSync(w, r, func() error { return h.sendTask(w, id, http.StatusOK) })
}

// listSchedule serves all scheduled commands that are remembered, in the order of
// scheduling.
func (h *Handler) listSchedule(w *response, r *http.Request) error {
	return h.afterSync(w, r, func() error {
		var all []*poll.Task
		h.cluster.Read(func(s *poll.State) {
			all = s.Tasks()
			w.index = s.Index()
		})
		shown := make([]scheduleJSON, len(all))
		for i, k := range all {
			shown[i] = scheduleOf(k)
		}
		return h.sendJSON(w, http.StatusOK, map[string]any{"schedule": shown})
	})
}

// afterSync answers with JSON from a state that has all that was acknowledged.
func (h *Handler) afterSync(w *response, r *http.Request, answer func() error) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return err
	}
	return answer()
}

// deleteSchedule serves DELETE: it calls off what has not been carried out yet.
func (h *Handler) deleteSchedule(w *response, r *http.Request) error {
	id, err := scheduleID(r)
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(&w.ctx, h.timeFor(r))
	defer cancel()
	if _, err := h.execute(ctx, w, poll.Unschedule{ID: id}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
