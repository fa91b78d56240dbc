# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates at their end are warned of in the error log: at the start, after
# a reload, and with -t where people look.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(strftime);
use Weir::Test;
use Weir::TLS;

need_tls();
plan(skip_all => 'nginx does not warn') if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
sub at { return strftime($_[1] // '%Y%m%d%H%M%SZ', gmtime(time + 86400 * $_[0])) }
$pki->ca('ca', until => at(5));
$pki->issue('good', by => 'ca', until => at(100));
$pki->issue('soon', by => 'ca', until => at(10));
$pki->issue('brief', by => 'ca', from => at(-2), until => at(4));
$pki->issue('late', by => 'ca', from => at(-5), until => at(1));
$pki->issue('over', by => 'ca', until => at(-3));
$pki->write('chain.pem', $pki->read('good.pem') . $pki->read('ca.pem'));
my $dir = $t->path('tls');

my $conf = <<'EOC';
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name good.test;
        ssl_certificate %%TESTDIR%%/tls/good.pem;
        ssl_certificate_key %%TESTDIR%%/tls/good.key;
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name soon.test;
        ssl_certificate %%TESTDIR%%/tls/soon.pem;
        ssl_certificate_key %%TESTDIR%%/tls/soon.key;
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name more.test;
        ssl_certificate %%TESTDIR%%/tls/soon.pem;
        ssl_certificate_key %%TESTDIR%%/tls/soon.key;
        ssl_certificate %%TESTDIR%%/tls/brief.pem;
        ssl_certificate_key %%TESTDIR%%/tls/brief.key;
        location / {
            proxy_pass https://127.0.0.1:%%PORT%%;
            proxy_ssl_certificate %%TESTDIR%%/tls/over.pem;
            proxy_ssl_certificate_key %%TESTDIR%%/tls/over.key;
        }
        MORE
    }
}
EOC
my $more = <<'EOC';
    ssl_certificate %%TESTDIR%%/tls/late.pem;
    ssl_certificate_key %%TESTDIR%%/tls/late.key;
    ssl_certificate %%TESTDIR%%/tls/chain.pem;
    ssl_certificate_key %%TESTDIR%%/tls/good.key;
EOC
my $tested = conf_test($conf =~ s/MORE/$more/r, test => $t);
is $tested->{code}, 0, '-t';
is scalar @{ $tested->{lines} }, 2, 'whose lines are nginx\'s' or diag $tested->{err};

$t->run($conf =~ s/MORE//r);
sub warnings {
    my @list = $t->read('error.log') =~ /\[warn\] [^"]*"\Q$dir\E\/(.* is at its end: .*)/g;
    return sort @list;
}
sub wait_warnings { my ($n) = @_; wait_until(sub { my @list = warnings(); @list >= $n }); return [warnings()] }
my $over = 'over.pem" is at its end: it has expired on ' . at(-3, '%Y-%m-%d');
my $soon = 'soon.pem" is at its end: it expires on ' . at(10, '%Y-%m-%d');
is_deeply wait_warnings(2), [$over, $soon], 'once each, when the server starts';
like $t->read('error.log'), qr/\[warn\] \d+#\d+: certificate "/, 'what it is about';
$t->conf($conf =~ s/MORE/$more/r);
$t->reload;
is_deeply wait_warnings(6), [
    'chain.pem" is at its end: it expires on ' . at(5, '%Y-%m-%d'),
    'late.pem" is at its end: it expires on ' . at(1, '%Y-%m-%d'), $over, $over, $soon, $soon,
], 'after a reload, too: a third of a short life is left, and of those above';
like $t->read('error.log'), qr/certificate 2 in "\Q$dir\E\/chain.pem"/, 'by its number';
done_testing;
