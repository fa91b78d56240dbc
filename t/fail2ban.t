# SPDX-License-Identifier: BSD-2-Clause
#
# fail2ban reads the lines of limit_req by Debian's own filter, and those of ban by
# the expression that README.md gives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my ($regex) = grep { -x } map { "$_/fail2ban-regex" } qw(/usr/bin /usr/local/bin);
my $filter = '/etc/fail2ban/filter.d/nginx-limit-req.conf';

plan skip_all => 'needs fail2ban' if !$regex || !-r $filter;
need_module('http_limit_req', 'http_limit_conn', 'http_realip');

my $t = Weir::Test->new;
$t->write('html/plain.txt', "plain\n");
my $ban = is_oracle() ? '' : 'ban zone=bad on=404 rate=1r/m;';
my $zone = is_oracle() ? '' : 'ban_zone $binary_remote_addr zone=bad:1m;';
$t->run(<<"EOC");
%%HTTP%%
    limit_req_zone \$binary_remote_addr zone=one:1m rate=1r/m;
    limit_req_zone \$binary_remote_addr "zone=with space:1m" rate=1r/m;
    $zone
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        set_real_ip_from 127.0.0.1;
        location / { limit_req zone=one; try_files /plain.txt =404; }
        location /late { limit_req zone=one burst=1; try_files /plain.txt =404; }
        location /space { limit_req "zone=with space"; limit_req_log_level warn; try_files /plain.txt =404; }
        location /dry { limit_req zone=one; limit_req_dry_run on; try_files /plain.txt =404; }
        location /bad { $ban try_files /x =404; }
    }
}
EOC

sub get { my ($uri, $from, @more) = @_;
    return $t->get($uri, headers => ['X-Real-IP' => $from], @more)->status }

# The addresses that fail2ban finds in the log by a filter.
sub found {
    my ($by) = @_;
    my $pid = open(my $pipe, '-|') // die;

    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec 'timeout', 60, $regex, '-o', 'ip', $t->path('error.log'), $by;
        exit 1;
    }
    my @ips = map { s/\s+\z//r } <$pipe>;
    close $pipe;
    return join ' ', @ips;
}

my @clients = ('192.0.2.1', '2001:db8::7', '198.51.100.200');
for my $from (@clients) { get('/?by/zone/"x",/client:9.9.9.9,', $from) for 1 .. 2 }
is found($filter), join(' ', @clients), 'each line of a refusal, and who it is about';
get('/space', $_) for ('192.0.2.50') x 3;
is found($filter), join(' ', @clients, '192.0.2.50', '192.0.2.50'), 'a name with a space, another level';
get('/dry', '192.0.2.1');
is found($filter), join(' ', @clients, '192.0.2.50', '192.0.2.50'), 'a dry run is none';

SKIP: {
    skip 'an nginx has no bans', 1 if is_oracle();

    my ($wanted) = Weir::Test::slurp(Weir::Test::top_folder() . '/README.md')
        =~ /^`(banned for .*<HOST>,)`/m;
    get('/bad', $_) for ('203.0.113.5') x 4, '203.0.113.6', ('2001:db8::8') x 2;
    is found($wanted), '203.0.113.5 2001:db8::8', 'bans, by the expression of README.md';
}

done_testing;
