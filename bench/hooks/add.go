package hooks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"voted/client"
)

const (
	// adding is how many webhooks are added at the same time.
	adding = 16
	// lookEvery is how often it is looked whether all are verified.
	lookEvery = 100 * time.Millisecond
)

// Add adds webhooks to a cluster, and waits until each has answered a ping.
func Add(ctx context.Context, c *client.Client, all int, definition func(n int) client.WebhookDefinition) error {
	numbers := make(chan int, all)
	for n := range all {
		numbers <- n
	}
	close(numbers)
	var mu sync.Mutex // guards failed
	var failed error
	var makers sync.WaitGroup
	for range adding {
		makers.Go(func() {
			for n := range numbers {
				if _, err := c.PutWebhook(ctx, fmt.Sprint("hook", n), definition(n)); err != nil {
					mu.Lock()
					failed = errors.Join(failed, fmt.Errorf("webhook %d cannot be added: %w", n, err))
					mu.Unlock()
					return
				}
			}
		})
	}
	makers.Wait()
	if failed != nil {
		return failed
	}
	return awaitVerified(ctx, c, all)
}

func awaitVerified(ctx context.Context, c *client.Client, all int) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		hooks, err := c.Webhooks(ctx)
		if err != nil {
			return fmt.Errorf("the webhooks cannot be listed: %w", err)
		}
		enabled := 0
		for i := range hooks {
			if hooks[i].State == "enabled" {
				enabled++
			}
		}
		if enabled == all {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d webhooks have answered a ping: %w", enabled, all, ctx.Err())
		}
	}
}
