package main
import ("errors";"fmt";"time";"go.uber.org/zap";"go.uber.org/zap/zapcore";"os")
func load() error { return fmt.Errorf("load: %w", errors.New("no such\nfile")) }
func main() {
 l, _ := zap.NewDevelopment(); l.Info("up", zap.Int("port", 8080)); time.Sleep(20*time.Millisecond)
 l.Warn("slow"); l.Error("failed", zap.Error(load())); l.Info("two\nlines"); time.Sleep(20*time.Millisecond); fmt.Println("printed"); l.Debug("next")
 enc := zap.NewDevelopmentEncoderConfig(); enc.EncodeLevel = zapcore.CapitalColorLevelEncoder
 c := zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.AddSync(os.Stdout), zap.DebugLevel), zap.AddStacktrace(zap.ErrorLevel)); c.Error("coloured"); c.Info("after"); time.Sleep(20*time.Millisecond)
 l.Panic("bye") }
