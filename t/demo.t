# SPDX-License-Identifier: BSD-2-Clause
#
# The demonstration of make run, on other ports: what its banner and its page
# promise.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT binary_path slow top_folder);

plan skip_all => 'a demonstration of weir' if is_oracle();
plan skip_all => 'no curl' if system('curl --version >/dev/null 2>&1') != 0;

# A tree that has what the script takes, so that the real one stays as it is
my $top = top_folder();
my $t = Weir::Test->new;
my $tree = $t->mkdir('tree');
$t->mkdir('tree/build');
system('cp', '-R', "$top/conf", "$tree/conf") == 0 or die;
symlink readlink(binary_path()), "$tree/build/weir" or die "symlink: $!\n";
chdir $tree or die;

my @ports = map { $t->port($_) } qw(main one two);
delete @ENV{qw(APP_PORT_1 APP_PORT_2)};
@ENV{qw(PORT APP_PORT_1 APP_PORT_2)} = @ports;

sub start_demo {
    my ($out) = @_;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $t->path($out);
        open STDERR, '>&', \*STDOUT;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        exec 'sh', "$top/auto/demo", 'build' or POSIX::_exit(127);
    }
    return $pid;
}

# command($line): what a line of the banner or the page prints, without the
# ports of this run around it: a reader has them in the line
sub command {
    my ($line) = @_;
    local %ENV = %ENV;

    delete @ENV{qw(PORT APP_PORT_1 APP_PORT_2)};
    return qx{{ $line; } 2>&1};
}

my $demo = start_demo('out');
ok wait_until(sub { $t->read('out') =~ /Ctrl-C ends it/ }, slow(20)),
    'the banner' or diag $t->read('out');
my $r = $t->get('/', port => 'main');
is $r->status, 200, 'it listens when the banner is there';
my $page = $r->body;
unlike $page, qr/:808\d|\@[A-Z]+\@/, 'the page has the ports of this run';
like $t->get('/app/x', port => 'main')->body,
    qr/^Hello from the \w+ server \((?:$ports[1]|$ports[2])\)/, 'the application';

my @said = map { s/<[^>]*>//gr =~ s/&gt;/>/gr =~ s/&amp;/&/gr }
    split /\n/, $page;
my ($conditional) = grep { /^curl -I -z/ } @said;
like command($conditional), qr{^HTTP/1.1 304 Not Modified\r$}m,
    'the conditional request';
for my $lines ([$t->read('out') =~ /^    (\S.*)/mg], [@said]) {
    my ($explain) = grep { /weir explain/ } @$lines;
    like command($explain), qr{matched location /app/}, 'explain';
    my ($doc) = grep { /weir doc/ } @$lines;
    like command($doc), qr{proxy_pass http://app/; \(line \d+\)}, 'doc';
    my $typo = join '; ', grep { /proxy_pas\/|-c typo\.conf/ } @$lines;
    # --lint, because hints are otherwise only printed on a terminal
    like command("$typo --lint"), qr/did you mean "proxy_pass"/, 'a typo';
}
my ($reload) = grep { /kill -HUP/ } @said;
command($reload);
ok $t->wait_log(qr/reconfiguring/, 'tree/build/demo/logs/error.log'), 'a reload';

my $second = start_demo('second');
is Weir::Test::wait_process($second, slow(20)) >> 8, 1,
    'a second one does not start';
like $t->read('second'), qr/Address already in use/, 'and says why';
like $t->read('second'), qr/PORT=9000 make run/, 'and what to do';
unlike $t->read('second'), qr/Ctrl-C/, 'without a banner';

is $t->get('/', port => 'main')->status, 200, 'the first one goes on';
kill 'INT', $demo;
is Weir::Test::wait_process($demo, slow(20)), 0, 'Ctrl-C ends it';
is join(' ', grep { $_ != $$ } Weir::Test::others()), '', 'with all it had';

done_testing;
