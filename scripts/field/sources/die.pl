use strict; use warnings; use Carp qw(cluck confess); use Time::HiRes 'sleep'; use Data::Dumper; $| = 1; $Data::Dumper::Indent = 1;
print STDERR "start\n"; print STDERR "order 1\n"; sleep 0.01;
my $u; my $x = "a" . $u; warn "two\nlines\n"; sleep 0.01;
sub price { my $n = shift; cluck "who calls" if $n == 2; confess "no price" if $n == 3; $n }
price(2); print STDERR "next\n"; sleep 0.01;
eval { price(3) }; print STDERR "caught: $@"; sleep 0.01;
print STDERR Dumper({ id => 7, lines => ['pen', 'ink'] }); print STDERR "last\n";
sleep 0.01; price(3);
