package main
import ("errors";"fmt";"os";"time";"github.com/rs/zerolog")
func main() { l := zerolog.New(zerolog.ConsoleWriter{Out: os.Stdout, TimeFormat: time.Kitchen}).With().Timestamp().Logger()
 l.Info().Int("port", 8080).Msg("up"); time.Sleep(20*time.Millisecond); l.Error().Err(errors.New("no such\nfile")).Msg("failed"); l.Warn().Msg("two\nlines"); fmt.Println("printed"); l.Debug().Msg("next"); time.Sleep(20*time.Millisecond)
 n := zerolog.New(zerolog.ConsoleWriter{Out: os.Stdout, NoColor: true}); n.Info().Msg("plain"); n.Warn().Msg("three\nlines\nhere"); n.Info().Msg("after"); time.Sleep(20*time.Millisecond); l.Fatal().Msg("bye") }
