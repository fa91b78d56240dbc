# SPDX-License-Identifier: BSD-2-Clause
#
# Weights beyond all reason, from a configuration and from SRV records: whatever
# they sum up to, each balancer begins at once and chooses by their proportions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::DNS;
use Weir::Test;

plan skip_all => 'nginx takes all memory' if is_oracle();

my $t = Weir::Test->new;
my $dns = Weir::DNS->new($t);
my @letters = ('a' .. 'c');
my %port = map { ($_ => $t->port($_)) } @letters;
$dns->set('_web._tcp.srv.test' => [map { "SRV 60 1 65535 $port{$_} h.test" } @letters],
          'h.test' => ['A 60 127.0.0.1']);

my $most = 2147483647;
my @ways = ('', 'ip_hash;', 'hash $arg_k;', 'hash $arg_k consistent;', 'random;',
            'random two;', 'least_conn;');
my $groups = join '', map { <<"EOC" } 0 .. $#ways;
    upstream zero$_ { $ways[$_] server 127.0.0.1:$port{a} weight=$most;
        server 127.0.0.1:$port{b} weight=$most; server 127.0.0.1:$port{c} weight=2; }
EOC
my $servers = join '', map { <<"EOC" } @letters;
    server { listen 127.0.0.1:$port{$_}; access_log off; return 200 $_; }
EOC
$t->run(<<"EOC");
%%HTTP%%
    $groups
    $servers
    upstream srv { hash \$arg_k consistent; zone srv 64k; resolver @{[ $dns->address ]};
                   server srv.test resolve service=web; }
    upstream one { hash \$arg_k consistent; server 127.0.0.1:$port{a} weight=$most;
                   server 127.0.0.1:$port{b}; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://\$arg_u; }
    }
}
EOC

sub among {
    my ($u) = @_;
    my %n = map { ($_ => 0) } @letters;
    for my $k (1 .. 20) {
        my $body = eval { $t->get("/?u=$u&k=$k")->body } // '';
        $n{$body}++;
    }
    return join ' ', map { "$_:" . ($n{$_} ? 'some' : 'none') } sort keys %n;
}

for (0 .. $#ways) {
    # The hash of "hash" has 15 bits, as in nginx.
    my $wanted = $ways[$_] eq 'hash $arg_k;' ? qr/^a:some/ : $ways[$_] =~ /ip_hash/ ? qr/^a:(?:some b:none|none b:some) c:none$/
               : qr/^a:some b:some c:/;
    like among("zero$_"), $wanted, "the sum would be 2^32: $ways[$_]";
}
ok wait_until(sub { among('srv') =~ /^a:some b:some c:some$/ }), 'SRV';
is among('one'), 'a:some b:none c:none', 'nearly all points are of one';

done_testing;
