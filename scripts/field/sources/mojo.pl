use Mojolicious::Lite -signatures;
app->log->level('debug'); app->log->handle(\*STDERR);
get '/' => sub ($c) { app->log->info('served'); $c->render(text => 'ok') };
get '/bad' => sub ($c) { die { code => 7 } if 0; my $x = undef; $x->{a}{b}; die "no stock\n" };
get '/obj' => sub ($c) { app->log->warn("two", "parts"); app->log->error("two\nlines"); $c->render(template => 'x') };
use Test::Mojo; my $t = Test::Mojo->new; $t->app->mode('development'); $t->ua->get($_) for ('/', '/bad', '/obj', '/nothing');
warn "going down"; die "bye";
