# SPDX-License-Identifier: BSD-2-Clause
#
# testssl.sh on a server that says nothing but "ssl", beside nginx's: it finds
# nothing that it does not find there, and its grade is as good.  It takes some
# minutes, so this is for make soak.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;
use Weir::TLS;

my ($testssl) = grep { -x } qw(/usr/bin/testssl /usr/bin/testssl.sh);
my $nginx = '/usr/sbin/nginx';

plan skip_all => 'TEST_SOAK=1 is not set' if !$ENV{TEST_SOAK};
plan skip_all => 'no testssl.sh, or no nginx to compare with' if !$testssl || !-x $nginx;
plan skip_all => 'this is about weir' if is_oracle();
need_tls();

my $t = Weir::Test->new;
Weir::TLS->new($t)->issue('localhost', names => ['localhost']);
my $conf = <<'EOC';
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/localhost.pem;
    ssl_certificate_key %%TESTDIR%%/tls/localhost.key;
    ssl_protocols TLSv1.2 TLSv1.3;      # nginx 1.31's default
    server { listen 127.0.0.1:%%PORT_PLACE%% ssl; server_name localhost; return 200 ok; }
}
EOC
my %rank = (OK => 0, INFO => 0, WARN => 1, LOW => 1, MEDIUM => 2, HIGH => 3, CRITICAL => 4);

# findings($port): id => { severity, finding }
sub findings {
    my ($port) = @_;
    my $file = $t->path("$port.json");

    unlink $file;
    system "timeout 900 $testssl --quiet --color 0 --warnings off --openssl-timeout 5"
        . " --jsonfile $file localhost:$port </dev/null >$file.txt 2>&1";
    my $list = eval { decode_json($t->read("$port.json")) } // [];
    return map { $_->{id} => $_ } @$list;
}

$t->run($conf =~ s/_PLACE/_weir/r);
my %weir = findings($t->port('weir'));

my $other = $t->write('other.conf', $t->expand($conf =~ s/_PLACE/_nginx/r) =~ s/nginx\.pid/other.pid/r
                                                   =~ s/error\.log/other.log/r);
my $pid = Weir::Test::start_process(undef, $nginx, ['-p', $t->dir, '-c', $other],
                                    $t->path('out'), $t->path('err'));
wait_until(sub { -s $t->path('other.pid') });
my %nginx = findings($t->port('nginx'));
kill 'QUIT', $pid;

cmp_ok scalar(keys %nginx), '>', 50, 'nginx was looked at';
cmp_ok scalar(keys %weir), '>', 50, 'so was weir';
my @worse = map { "$_: $weir{$_}{severity}: $weir{$_}{finding}" }
    grep { ($rank{ $weir{$_}{severity} } // 9) > ($rank{ ($nginx{$_} // {})->{severity} // 'OK' } // 9) }
    sort keys %weir;
is "@worse", '', 'nothing is worse';
is $weir{overall_grade}{finding}, $nginx{overall_grade}{finding}, 'the grade'
    if $nginx{overall_grade};        # testssl.sh 3.2 has it
my @lines = grep { /\[(?:warn|error|crit|alert|emerg)\]/ } $t->log;
is "@lines", '', 'nothing of it is worth more than info';

done_testing;
